import {html} from '../vendor/lit.js';
import {View} from '../view.js';

export default class Colorize extends View {
  render() {
    return html`<h1>Colorize</h1>`;
  }
}
customElements.define('tinct-colorize', Colorize);
