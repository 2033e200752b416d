import {html} from '../vendor/lit.js';
import {View} from '../view.js';

export default class Train extends View {
  render() {
    return html`<h1>Train</h1>`;
  }
}
customElements.define('tinct-train', Train);
