// Started by a window in the place of the real daemon: the scripted one is only away for a moment.
process.exit(3);
