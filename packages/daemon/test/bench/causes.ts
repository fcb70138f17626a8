/** Why bounds are not kept, where that was looked into: told in the document as long as they are not. */

interface Cause {
  readonly rows: ReadonlyArray<string>
  readonly why: string
}

export const causes: ReadonlyArray<Cause> = [
  {
    rows: ["first-backup"],
    why: "about twice restic's processor time. Each mail is compressed by itself, so that one can be read without its "
      + "neighbours; everything is made durable twice, at home and at the target; and V8's compilers and collectors take "
      + "about a quarter of it. How it divides stands under \"Where the time goes\"."
  },
  {
    rows: ["restore"],
    why: "the median only: it takes less processor time than either peer, but its runs differ several times over, as "
      + "the peers' do, with what the disk still has to write back of the 50,000 files that each of them makes."
  },
  {
    rows: ["hundred-new", "nothing-new", "drill"],
    why: "a fifth of a second is the program loading, the rest opening and checking the journal, what is "
      + "remembered of 50,000 mails, and one look at each of their names. A daemon that runs does none of it again."
  },
  {
    rows: ["first-memory", "restore-memory", "hundred-memory", "live-memory", "pipeline-memory", "memory-growth"],
    why: "two JavaScript engines, one for the main thread and one for the working thread, with their young generations "
      + "are the largest part, then buffers of megabytes that malloc keeps, then LevelDB's mapped tables. Why half a "
      + "million messages take more than a hundred thousand has not been found out."
  },
  {
    rows: ["pipeline"],
    why:
      "in a batch a conversation has few messages, whose windows are compressed for the journal and, merged, once more "
      + "for the target: that and the collector are the largest parts of a profile, and hashing is small."
  },
  {
    rows: ["live-cpu"],
    why:
      "mails that arrive one by one are a pass each, where the peers' figure is one for all; it has not been profiled."
  },
  {
    rows: ["live-p95"],
    why: "has not been found out."
  },
  {
    rows: ["vault-size"],
    why: "mails are compressed one by one, so that one of them can be read, or be missing, without the others."
  }
]
