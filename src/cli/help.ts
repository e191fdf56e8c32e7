/** Help without a verb: a page of text, there before any package is loaded. */

export interface VerbLine {
  usage: string;
  describe: string;
}

export const BARE_OPTIONS: Record<string, string> = {
  help: 'Show this help; after a verb, its own',
  version: 'Show the version',
  json: 'Print one JSON document and nothing else on stdout',
  quiet: 'No progress and no notes; errors only',
  verbose: 'More notes; the causes of an error',
};

export function bareHelp(verbs: VerbLine[]): string {
  const lines = (rows: [string, string][]) => {
    const width = Math.max(...rows.map(([name]) => name.length));
    return rows.map(([name, text]) => `  ${name.padEnd(width)}   ${text}`).join('\n');
  };
  return `Usage: spantune <verb> [options]

Transfer learning on pretrained language encoders that tunes only the layers the task needs.

Verbs:
${lines(verbs.map(({ usage, describe }) => [`spantune ${usage}`, describe]))}

Options:
${lines(Object.entries(BARE_OPTIONS).map(([name, describe]) => [`--${name}`, describe]))}

Examples:
  spantune select --model models/en-12x192 --task mrpc --data data/glue
  spantune train configs/mrpc-selected.yaml
  spantune predict runs/mrpc-selected-2-seed1 --input pairs.txt

Results go to stdout, everything else to stderr. spantune <verb> --help says more.
`;
}
