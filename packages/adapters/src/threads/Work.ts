/**
 * What the working thread does, job by job. One thread for all of it: with the main one that makes two, each with half
 * of the work, and a thread more would cost the memory of another engine.
 */
import { statsJob, takeJob } from "../sources/MaildirJobs.ts"
import { answer } from "./Answer.ts"
import { compressJob } from "./CompressJob.ts"

answer({ compress: compressJob, stats: statsJob, take: takeJob })
