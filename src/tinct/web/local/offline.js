/** Keep the page for use without a network, and say when it is kept. */
import {toast} from '../notify.js';

async function keep() {
  // Only pages that were sent safely, or come from this very machine, may be kept.
  if (!('serviceWorker' in navigator)) return;
  const first = navigator.serviceWorker.controller === null;
  await navigator.serviceWorker.register('service-worker.js');
  await navigator.serviceWorker.ready;
  document.documentElement.dataset.offline = 'ready';
  if (first) toast('Tinct is kept on this device: it works without a network from now on', {kind: 'good'});
}

keep().catch((error) => console.warn(`Tinct can't be kept for use without a network (${error.message})`));
