// Every child process imports this first. It ends with the process that forked it, even if that one is killed.
process.on('disconnect', () => process.exit())
if (!process.connected) process.exit()

// Ctrl-C reaches every process of a terminal. Only the parent handles it, and ends its children by disconnecting.
process.on('SIGINT', () => {})
