import { StartupError } from "../../core/startup-error.ts";

/** The namespace may hold a part of the backup, and no node starts in it until it holds all. */
export class UnfinishedRestoreError extends StartupError {}
