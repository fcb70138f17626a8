/** Why bounds are not kept, where that was looked into: told in the document as long as they are not. */

interface Cause {
  readonly rows: ReadonlyArray<string>
  readonly why: string
}

export const causes: ReadonlyArray<Cause> = [
  {
    rows: ["first-backup"],
    why:
      "twice restic's processor time on two cores. Each mail is compressed by itself, so that one can be read without "
      + "its neighbours, which is a quarter of it; V8's compilers and collectors are another quarter, reading a sixth, the "
      + "journal a tenth: everything is made durable twice, at home and at the target, where restic writes once."
  },
  {
    rows: ["restore"],
    why: "it takes less processor time than either peer, but makes 50,000 files one after the other, and how long that "
      + "takes depends on what the disk still has to write back: 4.3 s beside restic's 9.3 s in the first of five runs, "
      + "19.8 s beside 8.6 s in the last."
  },
  {
    rows: ["hundred-new", "nothing-new", "drill"],
    why: "a fifth of a second is the program loading, the rest opening and checking the journal, what is "
      + "remembered of 50,000 mails, and one look at each of their names. A daemon that runs does none of it again."
  },
  {
    rows: ["first-memory", "restore-memory", "hundred-memory", "live-memory", "pipeline-memory", "memory-growth"],
    why: "two JavaScript engines, one for the main thread and one for the working thread, are about 200 MB with their "
      + "young generations; buffers of megabytes that malloc keeps are up to 150 MB, LevelDB's mapped tables 30 to 90 MB. "
      + "It does not grow with the history, but for those tables."
  },
  {
    rows: ["pipeline"],
    why:
      "32 s of processor. In a batch a conversation has few messages, whose windows are compressed for the journal, and "
      + "once more, merged, for the target; hashing a million leaves is a second of it, the collector three."
  },
  {
    rows: ["live-cpu"],
    why: "100 mails that arrive one by one are up to 100 passes, each with a durable write and its Effects."
  },
  {
    rows: ["live-p95"],
    why:
      "each delivery waits for three syncs of the disk: the journal's, and the object's and its name's at the target."
  },
  {
    rows: ["vault-size"],
    why: "mails are compressed one by one, so that one of them can be read, or be missing, without the others."
  }
]
