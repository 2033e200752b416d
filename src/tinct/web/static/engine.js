/** The engine that this page was made for: the server's, or the browser's own. */

const kind = document.querySelector('meta[name=tinct-engine]').content;
const {createEngine} = await import(`./engine-${kind}.js`);

export const engine = createEngine();
