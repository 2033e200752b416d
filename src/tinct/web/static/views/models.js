import {html} from '../vendor/lit.js';
import {View} from '../view.js';

export default class Models extends View {
  render() {
    return html`<h1>Models</h1>`;
  }
}
customElements.define('tinct-models', Models);
