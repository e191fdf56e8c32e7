/** The report's style sheet: light, dark and print. Plots take their colours from here too. */
import { COLOURS } from '../plots/marks.js';

/** The plots' colours on a dark ground: the same hues, lighter. */
const LIGHTER = ['#56a8e0', '#f08a4b', '#3cc79c', '#dd93bd', '#dcb14a', '#86c5e6', '#b8bcc2'];

const DARK = `
  --paper: #16181b; --panel: #1d2024; --ink: #e6e8ea; --soft: #9aa1a9; --rule: #33383e; --grid: #2a2e33;
  --accent: #6cb2e8; --better: #3cc79c; --matches: #6cb2e8; --worse: #f08a4b; --hover: #23272c;
${LIGHTER.map((colour, index) => `  --series-${index}: ${colour};`).join('\n')}
  color-scheme: dark;
`;

export const THEME = `
:root {
  --paper: #ffffff; --panel: #f6f7f8; --ink: #1f2328; --soft: #5c636b; --rule: #d5d9dd; --grid: #e4e7ea;
  --accent: #0a62a8; --better: #00735a; --matches: #0a62a8; --worse: #b04a00; --hover: #f0f3f5;
${COLOURS.map((colour, index) => `  --series-${index}: ${colour};`).join('\n')}
  color-scheme: light;
}
@media screen and (prefers-color-scheme: dark) { :root {${DARK}} }
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 3rem 1.5rem 5rem; max-width: 82rem; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", sans-serif;
}
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .35rem; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 3.25rem 0 .15rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
p { margin: 0 0 .75rem; }
a { color: var(--accent); }
.lead, .details { color: var(--soft); overflow-wrap: anywhere; }
nav ul { list-style: none; margin: 1rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.scroll { overflow-x: auto; margin: 1rem 0 1.5rem; }
.scroll:focus-visible, button:focus-visible, summary:focus-visible, a:focus-visible {
  outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px;
}
table { border-collapse: separate; border-spacing: 0; font-size: .8125rem; font-variant-numeric: tabular-nums; border-bottom: 1.5px solid var(--ink); }
table.sortable { min-width: 100%; }
caption { text-align: left; color: var(--soft); padding: 0 0 .45rem; font-size: .8125rem; }
thead th { border-top: 1.5px solid var(--ink); border-bottom: 1px solid var(--ink); font-weight: 600; vertical-align: bottom; padding: 0; }
thead th:not(:has(button)) { padding: .4rem .6rem; }
thead button {
  all: unset; box-sizing: border-box; position: relative; width: 100%; padding: .4rem .5rem; cursor: pointer; text-align: inherit; white-space: nowrap;
}
thead button:hover { background: var(--hover); }
thead button::after {
  content: "↕"; position: absolute; right: 0; width: .55rem; text-align: center; font-size: .75em; line-height: 1.95; color: var(--soft); opacity: .5;
}
th[aria-sort=ascending] button::after { content: "↑"; opacity: 1; color: var(--accent); }
th[aria-sort=descending] button::after { content: "↓"; opacity: 1; color: var(--accent); }
th.left button::after { position: static; display: inline-block; margin-left: .25rem; line-height: 1; }
tbody th { font-weight: 500; }
table.sortable tr > th:first-child { position: sticky; left: 0; background: var(--paper); }
tbody th, tbody td { padding: .36rem .5rem; border-top: 1px solid var(--rule); white-space: nowrap; }
tbody tr:first-child > * { border-top: 0; }
table.sortable tbody tr:hover > * { background: var(--hover); }
.left { text-align: left; } .right { text-align: right; }
td.note { white-space: normal; min-width: 11rem; color: var(--soft); }
td strong { font-weight: 700; }
td.better { color: var(--better); font-weight: 600; } td.worse { color: var(--worse); font-weight: 600; }
td.matches { color: var(--matches); font-weight: 600; } td.undecided, td.borrowed, tr.empty > * { color: var(--soft); }
td.borrowed { font-style: italic; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1.25rem; }
.plots figure { margin: 0; border: 1px solid var(--rule); border-radius: 6px; padding: .5rem; }
.plots figure.wide { grid-column: 1 / -1; }
.plot { display: block; max-width: 100%; height: auto; margin: 0 auto; }
.plot .paper { fill: none; } .plot .ink { fill: var(--ink); } .plot .soft { fill: var(--soft); }
.plot .ink-line { stroke: var(--ink); } .plot .soft-line { stroke: var(--soft); } .plot .grid-line { stroke: var(--grid); }
.plot .shade { fill: var(--series-0); }
${COLOURS.map((_, index) => `.plot .series-${index} { fill: var(--series-${index}); } .plot .series-${index}-line { stroke: var(--series-${index}); }`).join('\n')}
.notes { padding-left: 1.1rem; color: var(--soft); max-width: 52rem; } .notes li { margin: .2rem 0; overflow-wrap: anywhere; }
details { border-top: 1px solid var(--rule); padding: .45rem 0; }
details details { margin-left: 1rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary .soft { color: var(--soft); }
.pairs { margin: .5rem 0 .75rem 1rem; border: 0; font-size: .8125rem; }
.pairs th { font-weight: 400; color: var(--soft); text-align: left; vertical-align: top; }
.pairs td { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.pairs th, .pairs td { padding: .1rem 1.5rem .1rem 0; border: 0; }
@page { size: landscape; margin: 12mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 9.5pt; }
  nav, thead button::after, th.left button::after { display: none; }
  .scroll { overflow: visible; }
  table, caption { font-size: 7.5pt; } thead th, tbody th { position: static; } tbody th, tbody td, thead button { padding: .18rem .35rem; } thead button { white-space: normal; }
  h2 { break-after: avoid; } figure, tr { break-inside: avoid; } .plots { grid-template-columns: 1fr 1fr; }
}
`;
