import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import {
  type ArmContext,
  type ArmSpec,
  describeArm,
  NoSuchArmError,
  needsSelection,
  PRESET_NAMES,
  parseArm,
  resolveArm,
  sameTriple,
} from '../../src/selection/arms.js';
import { evaluateLayer } from '../../src/selection/expressions.js';

/** ν with its lowest value at layer 1, and among 2…6 at layer 4. */
const NU = [5.64, 6.53, 6.4, 5.9, 6.1, 6.2];
const CONTEXT: ArmContext = { layers: 6, nu: NU, range: 'fit', seed: 1 };

function place(spec: ArmSpec, context: Partial<ArmContext> = {}) {
  const { bottom, top, head } = resolveArm(parseArm(spec), { ...CONTEXT, ...context });
  return [bottom, top, head];
}

/** ν with its lowest value at `selected`. */
function lowestAt(selected: number, layers = 6): number[] {
  return Array.from({ length: layers }, (_, i) => 1 + Math.abs(i + 1 - selected));
}

describe('named arms', () => {
  const nu = lowestAt(4);
  for (const [name, triple] of [
    ['full', [1, 6, 6]],
    ['top-2', [5, 6, 6]],
    ['top-6', [1, 6, 6]],
    ['bottom-2', [1, 2, 6]],
    ['selected-2', [3, 4, 4]],
    ['selected-2-top', [3, 4, 6]],
    ['up-to-selected', [1, 4, 4]],
    ['above-selected', [5, 6, 6]],
    ['head-only', [null, null, 4]],
    ['head-only-top', [null, null, 6]],
  ] as const) {
    it(`${name} is (${triple})`, () => {
      assert.deepEqual(place(name, { nu }), triple);
      assert.equal(resolveArm(parseArm(name), { ...CONTEXT, nu }).name, name);
    });
  }

  it('are measured only where they speak of ℓ*', () => {
    const measured = PRESET_NAMES.filter((name) => needsSelection(parseArm(name.replace('-k', '-2'))));
    assert.deepEqual(measured, ['selected-k', 'selected-k-top', 'up-to-selected', 'above-selected', 'head-only']);
    assert.deepEqual(place('top-3', { nu: undefined }), [4, 6, 6]);
    assert.throws(() => place('selected-2', { nu: undefined }), /needs ν/);
  });

  it('random-k is a position from k up, the same for the same seed', () => {
    const heads = new Set<number | null>();
    for (let seed = 0; seed < 200; seed++) {
      const [bottom, top, head] = place('random-3', { seed, nu: undefined });
      assert.deepEqual(place('random-3', { seed }), [bottom, top, head]);
      assert.equal(top, head);
      assert.equal(bottom, Number(head) - 2);
      heads.add(head);
    }
    assert.deepEqual([...heads].sort(), [3, 4, 5, 6]);
  });

  it('are refused with the names and the nearest one', () => {
    for (const [name, hint] of [
      ['selcted-3', /did you mean "selected-3"\?.*top-k/],
      ['top-0', /did you mean "top-2"/],
      ['selected-k', /did you mean "selected-2"/],
      ['ful', /did you mean "full"/],
      ['constructor', /^arms: full/],
      ['top-2.5', /top-k/],
      ['', /^arms: full/],
    ] as const) {
      assert.throws(
        () => parseArm(name),
        (error: UserError) => {
          assert.ok(error instanceof UserError);
          assert.match(error.message, new RegExp(`no arm "${name}"`));
          assert.match(error.hint ?? '', hint);
          return true;
        },
      );
    }
  });

  it('are refused where the model has fewer layers', () => {
    for (const name of ['top-7', 'selected-7', 'bottom-7', 'random-7', 'selected-7-top']) {
      assert.throws(
        () => place(name),
        (error) => error instanceof UserError && !(error instanceof NoSuchArmError),
      );
    }
  });

  it('above-selected is no arm where ℓ* is the last layer', () => {
    assert.throws(() => place('above-selected', { nu: lowestAt(6) }), NoSuchArmError);
    assert.throws(() => place({ bottom: 'l* + 1', top: 'L', head: 'L' }, { nu: lowestAt(6) }), NoSuchArmError);
  });
});

describe('the range of selected-k', () => {
  it('is k…L, and the note says where that matters', () => {
    const arm = resolveArm(parseArm('selected-2'), CONTEXT);
    assert.deepEqual(arm, {
      name: 'selected-2',
      bottom: 3,
      top: 4,
      head: 4,
      note: 'lowest ν among layers 2-6, where two layers fit',
    });
    assert.equal(resolveArm(parseArm('selected-1'), CONTEXT).note, undefined);
    assert.equal(resolveArm(parseArm('selected-6'), CONTEXT).note, 'only at layer 6 do six layers fit');
    assert.equal(resolveArm(parseArm('selected-2-top'), CONTEXT).note, arm.note);
  });

  it('all: the plain argmin, cut at layer 1', () => {
    const arm = resolveArm(parseArm('selected-2'), { ...CONTEXT, range: 'all' });
    assert.deepEqual([arm.bottom, arm.top, arm.head], [1, 1, 1]);
    assert.match(arm.note ?? '', /cut at layer 1, so one layer is tuned instead of two/);
    const uncut = resolveArm(parseArm('selected-2'), { ...CONTEXT, range: 'all', nu: lowestAt(3) });
    assert.deepEqual([uncut.bottom, uncut.head, uncut.note], [2, 3, undefined]);
  });

  it('always tunes k layers, ends at the lowest ν that allows it, and gives ties to the lower layer', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 12 }), fc.nat(), (nu, pick) => {
        const k = 1 + (pick % nu.length);
        const { bottom, top, head } = resolveArm(parseArm(`selected-${k}`), { layers: nu.length, nu, range: 'fit' });
        assert.equal(top, head);
        assert.equal(Number(top) - Number(bottom) + 1, k);
        const candidates = nu.slice(k - 1);
        assert.equal(head, k + candidates.indexOf(Math.min(...candidates)));
      }),
    );
  });
});

describe('stated triples', () => {
  it('take numbers and expressions', () => {
    const nu = lowestAt(4);
    assert.deepEqual(place({ bottom: 'l* - 1', top: 'l*', head: 'L' }, { nu }), [3, 4, 6]);
    assert.deepEqual(place({ bottom: 2, top: '3', head: '(L+1)/2' }), [2, 3, 3]);
    assert.deepEqual(place({ head: 'l*-1' }, { nu }), [null, null, 3]);
    assert.deepEqual(place({ bottom: null, top: null, head: 2 }), [null, null, 2]);
  });

  it('are named by their expressions unless told', () => {
    assert.equal(parseArm({ bottom: 'l* - 1', top: 'l*', head: 'L' }).name, 'l*-1..l*@L');
    assert.equal(parseArm({ head: 3 }).name, 'head@3');
    assert.equal(parseArm({ name: 'wide', bottom: 1, top: 2, head: 3 }).name, 'wide');
  });

  it('need ν only where l* stands', () => {
    assert.equal(needsSelection(parseArm({ bottom: 1, top: 'L', head: 'L' })), false);
    assert.equal(needsSelection(parseArm({ bottom: 1, top: 'L', head: 'l*' })), true);
    assert.deepEqual(place({ bottom: 'L - 1', top: 'L', head: 'L' }, { nu: undefined }), [5, 6, 6]);
  });

  it('are refused where they are no arm', () => {
    for (const [spec, message] of [
      [{ bottom: 3, top: 2, head: 2 }, /does not fit.*bottom 3, top 2, head 2/],
      [{ bottom: 5, top: 2, head: 6 }, /does not fit.*bottom 5, top 2, head 6/],
      [{ bottom: 1, top: 4, head: 3 }, /does not fit/],
      [{ bottom: 0, top: 2, head: 2 }, /does not fit/],
      [{ bottom: 1, top: 2, head: 7 }, /does not fit a model of 6 layers/],
      [{ bottom: 1, top: 2 }, /no head/],
      [{ bottom: 1, head: 2 }, /a bottom but no top/],
      [{ head: 'k' }, /"k" is not a layer/],
      [{ head: 'L / (L - 6)' }, /divides by zero/],
    ] as [ArmSpec, RegExp][]) {
      assert.throws(
        () => place(spec),
        (error: UserError) => {
          assert.ok(error instanceof UserError && error.hint);
          assert.match(error.message, message);
          return true;
        },
      );
    }
  });

  it('that ν alone puts out of the model are no such arm, others a mistake', () => {
    assert.throws(
      () => place({ bottom: 'l* - 1', top: 'l*', head: 'l*' }),
      (error) => error instanceof NoSuchArmError && /ℓ\* is 1 here: .*selected-k/.test(error.hint ?? ''),
    );
    assert.throws(
      () => place({ bottom: 0, top: 1, head: 1 }),
      (error) => !(error instanceof NoSuchArmError),
    );
  });

  it('stay plain data, so that they cross a thread’s border', () => {
    for (const spec of ['selected-2', { bottom: 'l*', top: 'L', head: 'L' }]) {
      const request = parseArm(spec);
      assert.deepEqual(resolveArm(structuredClone(request), CONTEXT), resolveArm(request, CONTEXT));
    }
  });
});

describe('layer expressions', () => {
  it('follow arithmetic, and are floored at the end alone', () => {
    const names = { selected: 4, layers: 12 };
    for (const [expression, value] of [
      ['l*', 4],
      ['l*-1', 3],
      ['2*l*', 8],
      ['l**2', 8],
      ['ℓ* + 1', 5],
      ['L - 2 - 3', 7],
      ['L / 2 / 2', 3],
      ['L - (2 - 3)', 13],
      ['1 + 2 * 3', 7],
      ['-l* + L', 8],
      ['L/5 + L/5', 4],
      [' 2.5 ', 2],
      ['-1/2', -1],
    ] as const) {
      assert.equal(evaluateLayer(expression, names), value, expression);
    }
  });

  it('are refused with the reason', () => {
    for (const expression of ['', ' ', 'l', '(L', 'L)', 'L 2', '* L', 'L +', '2 L', 'l*l*', 'x', '1e3', '--', 'L; 1']) {
      assert.throws(() => evaluateLayer(expression, { selected: 1, layers: 2 }), UserError, expression);
    }
  });
});

describe('an arm in words', () => {
  it('says what is tuned, read and dropped, and why the range mattered', () => {
    const words = (spec: ArmSpec, context: Partial<ArmContext> = {}) =>
      describeArm(resolveArm(parseArm(spec), { ...CONTEXT, ...context }), 6);
    assert.equal(
      words('selected-2'),
      'selected-2 → tune layers 3-4, classifier at layer 4, layers 5-6 dropped (lowest ν among layers 2-6, where two layers fit).',
    );
    assert.equal(words('full'), 'full → tune layers 1-6, classifier at layer 6.');
    assert.equal(
      words('selected-2-top', { nu: lowestAt(4) }),
      'selected-2-top → tune layers 3-4, layers 5-6 frozen above, classifier at layer 6.',
    );
    assert.equal(
      words('head-only', { nu: lowestAt(5) }),
      'head-only → tune the classifier alone, at layer 5, layer 6 dropped.',
    );
    assert.equal(words('top-1'), 'top-1 → tune layer 6, classifier at layer 6.');
  });
});

it('equal triples are told, whatever they are called', () => {
  const nu = lowestAt(6);
  const arm = (spec: ArmSpec) => resolveArm(parseArm(spec), { ...CONTEXT, nu });
  assert.ok(sameTriple(arm('selected-2'), arm('top-2')));
  assert.ok(sameTriple(arm('up-to-selected'), arm('full')));
  assert.ok(!sameTriple(arm('head-only'), arm('full')));
});
