/** What the two auditors report, as their versions of today write it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { npmAdvisories, pipAdvisories, requirementLists } from '../../scripts/advisories.ts';

describe('npm audit', () => {
  test('a weak package is named with its advisory and what mends it', () => {
    const report = {
      auditReportVersion: 2,
      vulnerabilities: {
        minimist: {
          name: 'minimist',
          severity: 'critical',
          isDirect: true,
          via: [
            {
              source: 1097678,
              name: 'minimist',
              title: 'Prototype Pollution in minimist',
              url: 'https://github.com/advisories/GHSA-xvch-5gv4-984h',
              severity: 'critical',
              range: '<0.2.4',
            },
          ],
          effects: ['mkdirp'],
          range: '<0.2.4',
          nodes: ['node_modules/minimist'],
          fixAvailable: true,
        },
        mkdirp: {
          name: 'mkdirp',
          severity: 'moderate',
          isDirect: false,
          via: ['minimist'],
          effects: [],
          range: '0.4.1 - 0.5.1',
          nodes: ['node_modules/mkdirp'],
          fixAvailable: false,
        },
      },
      metadata: { vulnerabilities: { total: 2 }, dependencies: { prod: 3, total: 3 } },
    };
    assert.deepEqual(npmAdvisories('.', JSON.stringify(report)), {
      asked: 3,
      silent: [],
      findings: [
        {
          where: '.',
          package: 'minimist <0.2.4',
          level: 'critical',
          what: 'Prototype Pollution in minimist https://github.com/advisories/GHSA-xvch-5gv4-984h',
          fix: 'npm has a newer one',
        },
        {
          where: '.',
          package: 'mkdirp 0.4.1 - 0.5.1',
          level: 'moderate',
          what: 'through minimist',
          fix: 'no newer one',
        },
      ],
    });
  });
  test('a clean one says nothing, and none at all says that nobody was asked', () => {
    assert.deepEqual(
      npmAdvisories(
        '.',
        JSON.stringify({ auditReportVersion: 2, vulnerabilities: {}, metadata: { dependencies: { total: 7 } } }),
      ),
      { findings: [], asked: 7, silent: [] },
    );
    assert.deepEqual(
      npmAdvisories(
        'x',
        JSON.stringify({
          message: 'request failed, reason: getaddrinfo ENOTFOUND',
          error: { summary: '', detail: '' },
        }),
      ).silent,
      ['npm for x: request failed, reason: getaddrinfo ENOTFOUND'],
    );
    for (const text of ['', 'null', '[]', '<html>', '{"error":{"code":"ENOAUDIT"}}'])
      assert.deepEqual(npmAdvisories('x', text), { findings: [], asked: 0, silent: ['npm for x: no answer'] }, text);
  });
});

describe('pip-audit', () => {
  test('a weak package counts as high, with all the names of its weakness', () => {
    const report = {
      dependencies: [
        {
          name: 'jinja2',
          version: '2.4.1',
          vulns: [
            {
              id: 'PYSEC-2021-66',
              fix_versions: ['2.11.3'],
              aliases: ['CVE-2020-28493', 'GHSA-g3rq-g295-4j3m'],
              description: 'A regular expression\nthat takes its time.',
            },
            { id: 'PYSEC-2014-8', fix_versions: [], aliases: [], description: '' },
          ],
        },
        { name: 'idna', version: '3.20', vulns: [] },
      ],
      fixes: [],
    };
    assert.deepEqual(pipAdvisories(JSON.stringify(report), 'Found 2 known vulnerabilities in 1 package'), {
      asked: 2,
      silent: [],
      findings: [
        {
          where: 'Python',
          package: 'jinja2 2.4.1',
          level: 'high',
          what: 'PYSEC-2021-66, CVE-2020-28493, GHSA-g3rq-g295-4j3m A regular expression',
          fix: 'in 2.11.3',
        },
        { where: 'Python', package: 'jinja2 2.4.1', level: 'high', what: 'PYSEC-2014-8', fix: 'no newer one' },
      ],
    });
  });
  test('a clean one says nothing; what it passed over, or could not ask, is no word of safety', () => {
    assert.deepEqual(pipAdvisories('{"dependencies":[{"name":"idna","version":"3.20","vulns":[]}],"fixes":[]}', ''), {
      findings: [],
      asked: 1,
      silent: [],
    });
    const passed = pipAdvisories(
      '{"dependencies":[{"name":"av","skip_reason":"Dependency not found on PyPI and could not be audited: av ' +
        '(18.1.0)"},{"name":"idna","version":"3.20","vulns":[]}],"fixes":[]}',
      'No known vulnerabilities found',
    );
    assert.deepEqual(passed, {
      findings: [],
      asked: 1,
      silent: ['pip-audit: 1 of 2 packages (Dependency not found on PyPI and could not be audited: av (18.1.0))'],
    });
    assert.deepEqual(
      pipAdvisories('', "WARNING: x\nERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed\n").silent,
      ["pip-audit: ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed"],
    );
    assert.deepEqual(pipAdvisories('', '').silent, ['pip-audit: no answer']);
  });
  test('is asked about every version that the locks name, one of a package at a time', () => {
    const locked = [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
      ['a', '1'],
      ['c', '3'],
    ].map(([name, version]) => ({ name: name!, version: version! }));
    assert.deepEqual(requirementLists(locked), ['a==1\nb==1\nc==3\n', 'a==2\n']);
  });
  test('is locked to its digest, and its lock names no registry', () => {
    const lock = readFileSync(join(import.meta.dirname, '..', '..', 'scripts', 'pip-audit.txt'), 'utf8'),
      entries = lock.split(/\n(?=\S)/);
    assert.match(lock, /^pip-audit==\d/m);
    for (const entry of entries) assert.match(entry, /--hash=sha256:[0-9a-f]{64}/);
    assert.doesNotMatch(lock, /https?:|index-url/);
  });
});
