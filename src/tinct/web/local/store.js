/** Photographs that are kept in this browser (IndexedDB), with their hints and masks, until they are deleted. */
import {Refused} from './canvas.js';

const NAME = 'tinct';
const VERSION = 1;
const PHOTOS = 'photos';

let opening = null;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => request.result.createObjectStore(PHOTOS, {keyPath: 'id'});
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => {
      opening = null;
      reject(new Refused('this browser lets the page keep no photographs; leave the private window, or allow storage'));
    };
  });
  return opening;
}

async function ask(mode, action) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(PHOTOS, mode);
    const request = action(transaction.objectStore(PHOTOS));
    transaction.oncomplete = () => resolve(request.result);
    const fail = () => {
      const {error} = transaction;
      const full = error?.name === 'QuotaExceededError';
      reject(full ? new Refused("no space is left in this browser's store; delete some photographs") : error);
    };
    transaction.onabort = fail;
    transaction.onerror = fail;
  });
}

/** All photographs, the newest first. */
export async function all() {
  return (await ask('readonly', (photos) => photos.getAll())).sort((first, second) => second.created - first.created);
}

/** One photograph; a Refused of status 404 where it was deleted. */
export async function get(id) {
  const found = await ask('readonly', (photos) => photos.get(id));
  if (!found) throw new Refused('this photograph was deleted', 404);
  return found;
}

/** Keep a photograph as it is now. */
export function put(photo) {
  return ask('readwrite', (photos) => photos.put(photo));
}

/** Delete a photograph for good. */
export function remove(id) {
  return ask('readwrite', (photos) => photos.delete(id));
}

/** Change a photograph in one go: `change` gets it, and returns what it is from now on. */
export async function update(id, change) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(PHOTOS, 'readwrite');
    const photos = transaction.objectStore(PHOTOS);
    const reading = photos.get(id);
    let outcome;
    let refused = null;
    reading.onsuccess = () => {
      try {
        if (!reading.result) throw new Refused('this photograph was deleted', 404);
        outcome = change(reading.result);
        photos.put(outcome);
      } catch (error) {
        refused = error;
        transaction.abort();
      }
    };
    transaction.oncomplete = () => resolve(outcome);
    transaction.onabort = () => reject(refused ?? transaction.error);
  });
}
