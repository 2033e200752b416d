/** Which cells lie under a hint; tinct.inference.guidance. */
function coverLine(start, end, length) {
  const first = Math.min(Math.max(Math.floor(start), 0), length - 1);
  const last = Math.min(Math.max(Math.ceil(end), first + 1), length);
  const shares = [];
  for (let cell = first; cell < last; cell++) {
    shares.push([cell, Math.max(Math.min(cell + 1, end) - Math.max(cell, start), 1e-9)]);
  }
  const sum = shares.reduce((total, [, share]) => total + share, 0);
  return shares.map(([cell, share]) => [cell, share / sum]);
}

/** How much of a hint lies in each row and column of cells: lists of [cell, share]. */
export function cover(hint, height, width, scale) {
  return [
    coverLine(hint.top / scale[0], hint.bottom / scale[0], height),
    coverLine(hint.left / scale[1], hint.right / scale[1], width),
  ];
}
