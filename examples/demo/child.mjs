// Imported first by every child process: it lives as long as the process that forked it, however that one ends.
process.on('disconnect', () => process.exit())
if (!process.connected) process.exit()

// Ctrl-C reaches every process of a terminal. The parent is the one to decide, and ends us by disconnecting.
process.on('SIGINT', () => {})
