// Compares our templates, and the recorded ones, with those that the real CDK makes.
//
//     node compare.js ECSWS FOLDER...     ECSWS is the binary; a folder holds ecsws.toml, ecsws.lock and, if recorded, template.json
//
// The stress tool's image and first-boot script are our own choice and left out.
const { execFileSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const { isDeepStrictEqual } = require('util');
const { synth } = require('./synth');

function comparable(template) {
  const copy = structuredClone(template);
  delete copy.Parameters;
  const instance = copy.Resources.InstanceC1063A87?.Properties;
  if (instance) { delete instance.ImageId; delete instance.UserData; }
  return copy;
}

const same = (left, right) => isDeepStrictEqual(comparable(left), comparable(right));

const [ecsws, ...folders] = process.argv.slice(2);
let failures = 0;
for (const folder of folders) {
  const cdks = synth(folder);
  const ours = JSON.parse(execFileSync(ecsws, ['-C', folder, 'synth', '--all', '--json'], { encoding: 'utf8' }));
  const recorded = path.join(folder, 'template.json');
  for (const [name, template] of Object.entries(cdks)) {
    const wrong = [];
    if (!ours[name] || !same(ours[name], template)) wrong.push('ours');
    if (fs.existsSync(recorded) && !same(JSON.parse(fs.readFileSync(recorded, 'utf8')), template)) wrong.push('the recorded one');
    failures += wrong.length;
    console.log(`${wrong.length ? `DIFFERS: ${wrong.join(', ')}` : 'same'}  ${path.basename(folder)}/${name}`);
  }
}
process.exit(failures ? 1 : 0);
