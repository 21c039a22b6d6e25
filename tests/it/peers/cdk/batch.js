// Synthesises many specs, and compares many templates, in one process.
//
//     node batch.js < request.json > response.json
//
// The request has `specs` ({ spec, lock }, the texts of ecsws.toml and ecsws.lock) and `pairs` ({ name, old, new }, templates).
// The response has `templates` (for each spec, the templates by stack name or the CDK's error message) and `diffs` (for each pair, the
// output of `cdk diff` or its error message).
const path = require('path');
// The package of the command line has no exports, so its bundle is loaded.
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
