import {html} from '../vendor/lit.js';
import {View} from '../view.js';

export default class Correct extends View {
  render() {
    return html`<h1>Correct</h1>`;
  }
}
customElements.define('tinct-correct', Correct);
