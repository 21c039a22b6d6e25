// Synthesises many specs, and compares many templates, in one process.
//
//     node batch.js < request.json > answer.json
//
// The request has `specs` ({ spec, lock }, the texts of ecsws.toml and ecsws.lock) and `pairs` ({ name, old, new }, templates).
// The answer has `templates` (for each spec the templates by stack name, or the message of the error that the CDK throws) and
// `diffs` (for each pair what `cdk diff` prints, or the message of its error).
const path = require('path');
// The command line's package exports nothing; its bundle has everything.
const { DiffFormatter } = require(path.join(path.dirname(require.resolve('aws-cdk/package.json')), 'lib/index.js'));
const { synth } = require('./synth');

const attempt = (work) => (input) => {
  try {
    return work(input);
  } catch (error) {
    return { error: error.message };
  }
};

function diff({ name, old, new: template }) {
  const stack = { stackName: name, template, findMetadataByType: () => [] };
  return new DiffFormatter({ templateInfo: { oldTemplate: old, newTemplate: stack } }).formatStackDiff().formattedDiff;
}

const { specs, pairs } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const templates = specs.map(attempt(({ spec, lock }) => synth(spec, lock)));
const diffs = pairs.map(attempt(diff));
process.stdout.write(JSON.stringify({ templates, diffs }));
