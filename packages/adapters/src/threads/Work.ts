/**
 * What the working thread does, job by job. One thread for all of it: with the main one that makes two, each with half
 * of the work, and a thread more would cost the memory of another engine.
 */
import { answer } from "./Answer.ts"

answer({
  compress: async () => (await import("./CompressJob.ts")).compressJob,
  files: async () => (await import("../projections/FileJob.ts")).filesJob,
  scan: async () => (await import("../sources/database/ScanJob.ts")).scanJob,
  stats: async () => (await import("../sources/MaildirJobs.ts")).statsJob,
  take: async () => (await import("../sources/MaildirJobs.ts")).takeJob
})
