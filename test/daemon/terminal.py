"""
Runs a program in a terminal of its own: arguments are rows, columns, program and its arguments. stdin becomes keys,
stdout what it drew; ends with its exit code.
"""
import fcntl, os, pty, select, signal, struct, sys, termios

rows, columns, *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))
os.kill(pid, signal.SIGWINCH)
keys = True
while True:
    ready, _, _ = select.select([terminal] + ([0] if keys else []), [], [])
    if terminal in ready:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            data = b""
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 4096)
        keys = bool(data)
        if data:
            os.write(terminal, data)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
