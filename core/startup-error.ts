/** Why the process cannot start or go on, as one line for whoever runs it: what, where, and what would help. */
export class StartupError extends Error {}
