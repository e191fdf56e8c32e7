/** A run's adapter in a format of Python's libraries. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { toAdapterHub } from '../checkpoint/adapterhub.js';
import { CLASSIFIER_FILE, type ExportedFiles, type ExportedModel, isClassifier } from '../checkpoint/exchange.js';
import { toHuggingFace } from '../checkpoint/names.js';
import { toPeft } from '../checkpoint/peft.js';
import { writeSafetensors } from '../checkpoint/write.js';
import { CheckpointError, UserError } from '../errors.js';
import { writeFileWhole } from '../files.js';
import { trainableNames } from '../model/parameters.js';
import { openBase } from './model.js';
import { isRunFolder, readRun, readTuned } from './run-folder.js';
import type { ExportOptions, ExportResult, Reporter } from './types.js';

const FORMATS = { peft: toPeft, adapterhub: toAdapterHub };

/** Throws a `CheckpointError` for what the format cannot hold, a `UserError` where the folder to write is not empty. */
export async function runExport({ run, format, output }: ExportOptions, _reporter: Reporter): Promise<ExportResult> {
  if (existsSync(output) && readdirSync(output).length > 0) {
    throw new UserError('the folder is not empty', { file: output, hint: 'name another with --output' });
  }
  const { config: runConfig, result } = readRun(run);
  const { tuning, classifier } = runConfig;
  const { bottom, top, head } = result.arm;
  if (tuning === 'fine-tune' || bottom === null || top === null) {
    const what = tuning === 'fine-tune' ? 'was fine-tuned' : 'tuned the classifier alone';
    throw new CheckpointError(`holds no adapter: the run ${what}`, {
      file: run,
      hint: 'train with an adapter, such as tuning: lora',
    });
  }
  if (isRunFolder(runConfig.model)) {
    throw new CheckpointError('was tuned on top of another run, which Python cannot load', {
      file: run,
      hint: 'train from a model folder',
    });
  }
  const { config } = openBase(runConfig.model, result);
  const names = trainableNames(config, result.arm, { tuning, classifier: classifier.kind });
  const tensors = readTuned(run, config.family, names);
  const missing = names.find((name) => !tensors.has(name));
  if (missing) throw new CheckpointError(`holds no ${missing}`, { file: run, hint: 'the run is damaged: train again' });

  const model: ExportedModel = {
    config,
    tuning,
    layers: Array.from({ length: top - bottom + 1 }, (_, i) => bottom + i),
    head,
    tensors,
    classifier,
    base: runConfig.model,
  };
  const exported = FORMATS[format](model);
  const { json, weights, classifies } = exported;
  const metadata = { format: 'pt' };
  writeSafetensors(join(output, weights.name), weights.tensors, { metadata });
  const files = ['adapter_config.json', weights.name];
  const warnings: string[] = [];
  if (!classifies) {
    const own = [...tensors].filter(([name]) => isClassifier(name));
    writeSafetensors(
      join(output, CLASSIFIER_FILE),
      own.map(([name, tensor]) => [toHuggingFace(config.family, name), tensor]),
      { metadata: { ...metadata, kind: classifier.kind, pooling: classifier.pooling } },
    );
    files.push(CLASSIFIER_FILE);
    warnings.push(
      `Python has no classifier like this run's: it is in ${CLASSIFIER_FILE}, which spantune reads by tuning.from; in Python take the states of layer ${head}`,
    );
  }
  // It comes last: a folder that holds one is complete.
  writeFileWhole(join(output, 'adapter_config.json'), `${json}\n`);
  const classes = result.definition.kind === 'regression' ? 1 : result.definition.labels.length;
  return { run, format, output, files, python: python(model, exported, format, output, classes), warnings };
}

/** How Python loads it. */
function python(
  { base, head }: ExportedModel,
  { classifies }: ExportedFiles,
  format: ExportOptions['format'],
  output: string,
  classes: number,
): string[] {
  const path = JSON.stringify(output);
  const labels = classifies ? `, num_labels=${classes}` : '';
  const model = classifies ? 'AutoModelForSequenceClassification' : 'AutoModel';
  const load = `base = ${model}.from_pretrained(${JSON.stringify(base)}, num_hidden_layers=${head}${labels})`;
  return format === 'peft'
    ? [
        'from peft import PeftModel',
        `from transformers import ${model}`,
        load,
        `model = PeftModel.from_pretrained(base, ${path}).eval()`,
      ]
    : [
        'import adapters',
        `from transformers import ${model}`,
        load,
        'adapters.init(base)',
        `base.load_adapter(${path}, use_safetensors=True, set_active=True)`,
        'model = base.eval()',
      ];
}
