import {html} from '../vendor/lit.js';
import {View} from '../view.js';

export default class Turing extends View {
  render() {
    return html`<h1>Turing test</h1>`;
  }
}
customElements.define('tinct-turing', Turing);
