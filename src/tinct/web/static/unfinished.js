/** What would be lost if the page were left now: while there is something, the browser asks first. */

/** Whatever is at work adds itself, and deletes itself when it is done. */
export const unfinished = new Set();

addEventListener('beforeunload', (event) => unfinished.size && event.preventDefault());
