/** The command that colors a photograph as the page does. */

/** Of the installation's own configuration; it has no name that another machine would know. */
const UNNAMED = 'default';

/**
 * Return a line for a shell.
 *
 * @param {string} name of the photograph's file
 * @param {object} look as engines take it; hints are in a file
 * @param {{hints?: string, mask?: string, reference?: string}} files names of those that there are
 * @param {{names: string[], default: string, own: string[]}|null} models what engine.models() gave, null for none
 */
export function commandOf(name, look, files, models) {
  const model = look.model ?? models?.default ?? UNNAMED;
  const options = {
    mode: look.vividness === null && look.mode !== 'vivid' ? look.mode : null,
    vividness: look.vividness,
    saturation: look.saturation === 1 ? null : look.saturation,
    variants: look.variants,
    seed: look.variants && look.seed ? look.seed : null,
    model: model === UNNAMED ? null : models.own.includes(model) ? `${model}.onnx` : model,
    ...files,
  };
  const given = Object.entries(options).filter(([, value]) => value !== null && value !== undefined);
  return ['tinct colorize', quoted(name), ...given.map(([option, value]) => `--${option} ${quoted(String(value))}`)].join(' ');
}

/** Return a word as a shell takes it for one; one that begins like an option is a file of this folder. */
function quoted(word) {
  const plain = word.startsWith('-') ? `./${word}` : word;
  return /^[\w@%+=:,./-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", "'\\''")}'`;
}
