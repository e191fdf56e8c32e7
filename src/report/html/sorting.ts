/** The report's one script: headers of tables become buttons that sort. Without it the tables read the same. */

export const SORTING = `(() => {
  'use strict';
  const compare = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
  for (const table of document.querySelectorAll('table.sortable')) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const written = [...body.rows];
    heads.forEach((head, column) => {
      const keys = new Map(written.map((row) => [row, row.cells[column].dataset.sort ?? '']));
      const numbers = [...keys.values()].filter((key) => key !== '').every((key) => !isNaN(key));
      const [first, second] = numbers ? ['descending', 'ascending'] : ['ascending', 'descending'];
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute('aria-sort', 'none');
      button.addEventListener('click', () => {
        const now = head.getAttribute('aria-sort');
        const next = now === 'none' ? first : now === first ? second : 'none';
        for (const other of heads) other.setAttribute('aria-sort', 'none');
        head.setAttribute('aria-sort', next);
        const sign = next === 'ascending' ? 1 : -1;
        const rows = next === 'none' ? written : [...written].sort((a, b) => {
          const [left, right] = [keys.get(a), keys.get(b)];
          if (left === '' || right === '') return (left === '') - (right === '');
          return sign * compare(left, right);
        });
        body.append(...rows);
      });
    });
  }
})();
`;
