// Serves inHost(): one request a connection, a function's text and its arguments, answered with its JSON result.
const { rmSync } = require('node:fs');
const { createServer } = require('node:net');
const { join } = require('node:path');
const vscode = require('vscode');

exports.activate = context => {
  if (!process.env.EARSHOT_PROBE_DIR) return;
  const path = join(process.env.EARSHOT_PROBE_DIR, `probe-${process.pid}.sock`);
  const server = createServer({ allowHalfOpen: true }, socket => {
    let text = '';
    socket
      .setEncoding('utf8')
      .on('data', d => {
        text += d;
      })
      .on('error', () => {})
      .on('end', async () => {
        let answer;
        try {
          const { code, args } = JSON.parse(text);
          answer = { value: await eval(`(${code})`)(vscode, ...args) };
        } catch (e) {
          answer = { error: String(e?.stack ?? e) };
        }
        socket.end(JSON.stringify(answer));
      });
  }).listen(path);
  context.subscriptions.push({
    dispose: () => {
      server.close();
      rmSync(path, { force: true });
    },
  });
};
