/** Progress and log lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/report/log.js';
import { createProgress, progressText } from '../../src/report/progress.js';
import { plain, widthOf } from '../../src/report/style.js';

const progress = { phase: 'tune', subject: 'selected-2', done: 62, total: 100, detail: 'epoch 2/3  loss 0.41' };

function recorder(isTTY: boolean, options: { interval?: number; redraw?: number } = {}) {
  const written: string[] = [];
  let time = 0;
  const stream = { isTTY, columns: 80, write: (text: string) => void written.push(text) };
  const line = createProgress(stream, { ...options, now: () => time, style: plain });
  const wait = (ms: number) => {
    time += ms;
  };
  return { written, line, wait };
}

test('a line has the work, its share, its detail and the time left', () => {
  assert.equal(progressText(progress, 19), 'tune  selected-2  62 %  epoch 2/3  loss 0.41  0:19 left');
  assert.equal(
    progressText(progress, 19, 90),
    'tune  selected-2  ━━━━━━━━━━━━━━━╸─────────   62 %  epoch 2/3  loss 0.41  0:19 left',
  );
});

test('a line never exceeds its width', () => {
  for (let width = 0; width < 120; width++) assert.ok(widthOf(progressText(progress, 19, width)) <= width);
});

test('a terminal that does not know its width is taken for 80 columns', () => {
  const written: string[] = [];
  const line = createProgress({ isTTY: true, columns: 0, write: (text) => written.push(text) }, { style: plain });
  line.show(progress);
  assert.match(written[0], /62 %.*loss/);
  assert.ok(widthOf(written[0].replace('\r\x1b[K', '')) < 80);
});

test('on a terminal the line is rewritten and gone at the end', () => {
  const { written, line, wait } = recorder(true, { redraw: 100 });
  line.show(progress);
  wait(50);
  line.show({ ...progress, done: 63 });
  assert.equal(written.length, 1, 'not redrawn too often');
  wait(60);
  line.show({ ...progress, done: 64 });
  assert.equal(written.length, 2);
  assert.match(written[1], /64 %/);
  line.show(undefined);
  assert.ok(written.slice(0, 2).every((text) => text.startsWith('\r\x1b[K') && !text.includes('\n')));
  assert.equal(written[2], '\r\x1b[K');
  line.show(undefined);
  assert.equal(written.length, 3, 'there is nothing left to clear');
});

test('other text takes the place of the line, which stands below it again', () => {
  const { written, line } = recorder(true);
  line.show(progress);
  const [shown] = written.splice(0);
  line.around(() => written.push('note\n'));
  assert.deepEqual(written, ['\r\x1b[K', 'note\n', shown.replace('\r\x1b[K', '')]);
});

test('without a terminal there is a plain line every few seconds', () => {
  const { written, line, wait } = recorder(false, { interval: 5000 });
  for (let done = 0; done < 100; done++) {
    line.show({ ...progress, done });
    wait(150);
  }
  line.show(undefined);
  assert.equal(written.length, 2);
  assert.match(written[0], /^tune {2}selected-2 {2}34 % .* 0:10 left\n$/);
});

test('phases that are shorter than the pause do not silence a log', () => {
  const { written, line, wait } = recorder(false, { interval: 5000 });
  for (let epoch = 0; epoch < 6; epoch++) {
    line.show({ ...progress, done: epoch });
    wait(1500);
    line.show({ phase: 'evaluate', subject: 'dev', done: 1, total: 1 });
    wait(500);
  }
  assert.equal(written.length, 2);
});

test('a log goes on while the work is silent', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { written, line, wait } = recorder(false, { interval: 5000 });
  line.show({ ...progress, done: 0 });
  for (let i = 0; i < 3; i++) {
    wait(5000);
    t.mock.timers.tick(5000);
  }
  assert.equal(written.length, 3);
  assert.match(written[2], /^tune {2}selected-2 {2}0 % .*loss 0.41\n$/);
  line.show(undefined);
  wait(5000);
  t.mock.timers.tick(5000);
  assert.equal(written.length, 3);
});

test('the time left starts anew with each phase', () => {
  const { written, line, wait } = recorder(true, { redraw: 0 });
  line.show({ phase: 'select', done: 0, total: 10 });
  wait(60_000);
  line.show({ phase: 'select', done: 9, total: 10 });
  assert.match(written[1], /0:07 left/);
  line.show({ phase: 'tune', done: 0, total: 10 });
  assert.doesNotMatch(written[2], /left/);
  wait(1000);
  line.show({ phase: 'tune', done: 5, total: 10 });
  assert.match(written[3], /0:01 left/);
});

test('what was found finished says nothing about the time left', () => {
  const { written, line, wait } = recorder(true, { redraw: 0 });
  line.show({ phase: 'glue', done: 0, total: 100 });
  wait(1000);
  line.show({ phase: 'glue', done: 60, total: 100, found: 60 });
  assert.doesNotMatch(written[1], /left/);
  wait(9000);
  line.show({ phase: 'glue', done: 70, total: 100, found: 60 });
  assert.match(written[2], /70 %.* 0:30 left/);
});

test('the log shows its level and what is graver', () => {
  const lines = (level: 'warn' | 'info' | 'debug' | undefined) => {
    const written: string[] = [];
    const { log } = createLog({ level, write: (line) => void written.push(line) });
    for (const entry of ['warn', 'info', 'debug'] as const) log(entry, `${entry} text`);
    return written;
  };
  assert.deepEqual(lines('debug'), ['warn   warn text\n', 'info text\n', 'debug  debug text\n']);
  assert.deepEqual(lines('info'), ['warn   warn text\n', 'info text\n']);
  assert.deepEqual(lines(undefined), []);
});
