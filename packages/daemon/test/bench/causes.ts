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
    why:
      "at the most of a first backup Node's own files are 50 MB, the main thread's heap 80, the working thread's 45, "
      + "buffers in use 70, tables that LevelDB has mapped 50, and what glibc's malloc keeps of freed buffers, in as many "
      + "arenas as there are threads, the rest. Half a million messages take more than a hundred thousand since V8's heap, "
      + "malloc and the mapped tables come to where they stay only after some hundred thousand: a million take 3 % more "
      + "than half of it."
  },
  {
    rows: ["pipeline"],
    why: "brotli alone compresses 65 to 110 MB a second on one core, and a million messages are 300 MB: in a batch a "
      + "conversation has few of them, whose windows are compressed for the journal, opened again and, merged, compressed "
      + "once more for the target. That is four tenths of the processor's time, making and encoding events and the "
      + "collector are as much again, and hashing is small."
  },
  {
    rows: ["live-cpu"],
    why:
      "mails that arrive one by one are several passes, where the peers' figure is one for all. Nearly all of a profile is "
      + "the program's own fibers, which a daemon runs too seldom for V8 to compile them; reading, hashing and sealing the "
      + "mails is a tenth."
  },
  {
    rows: ["live-p95", "live-p50"],
    why:
      "a mail that is written, synced and renamed within one tick of the file system's clock, four milliseconds, cannot "
      + "be told from one that is still being written in its place, and is left alone until it is 150 ms old."
  },
  {
    rows: ["chat-backup"],
    why: "the peers copy one file without a look into it. Here each row is read, made a message, encoded, hashed, "
      + "compressed and made durable, some fifty microseconds of one thread; rows are read in it, and not in "
      + "another."
  },
  {
    rows: ["chat-memory", "chat-live-memory"],
    why:
      "as for the mailbox; beside it what is remembered of a million rows and of the fifty thousand files that are not "
      + "there."
  },
  {
    rows: ["chat-hundred-cpu"],
    why: "messages that are committed one by one are several passes, where the peers' figure is one for all."
  },
  {
    rows: ["vault-size"],
    why: "mails are compressed one by one, so that one of them can be read, or be missing, without the others."
  }
]
