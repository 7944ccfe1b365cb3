/** The golden messages, which the kernel's tests read too. */
const files: Record<string, Record<string, unknown>> = import.meta.glob('../wire/*.json', {
  eager: true,
  import: 'default'
});

export const NAMES = Object.keys(files).map(path => path.replace(/^.*\/|\.json$/g, ''));

export function golden(name: string): Record<string, unknown> {
  const data = files[`../wire/${name}.json`];
  if (!data) {
    throw new Error(`there is no golden message ${name}`);
  }
  return structuredClone(data);
}
