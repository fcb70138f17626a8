/**
 * The systemd unit of one user's daemon. It is hardened as far as Node can live with: its compiler writes machine
 * code, so MemoryDenyWriteExecute stays off.
 */

export interface ServiceOptions {
  /** The program and its arguments. */
  readonly words: ReadonlyArray<string>
  readonly home: string
  readonly log: string
  /** Where the text belongs. */
  readonly path: string
}

/** From the user's own folder. */
export const PLACE = [".config", "systemd", "user", "sealog.service"]

export const make = (options: ServiceOptions): string =>
  `# ${comment(options.path)}
# Then: systemctl --user daemon-reload && systemctl --user enable --now sealog
# To run while nobody is logged in: loginctl enable-linger
[Unit]
Description=sealog: continuous, verifiable, encrypted backup of messages
# Only on mains power: ConditionACPower=true

[Service]
Type=notify
NotifyAccess=all
ExecStart=${options.words.map(quote).join(" ")}
# The key, where ExecStart names none: Environment=SEALOG_PASSWORD_FILE=%h/.sealog-password
Restart=on-failure
RestartSec=30
# Not to be mended by another start: configuration, no vault, no key, a newer version.
RestartPreventExitStatus=2 10 12 16
TimeoutStartSec=infinity
TimeoutStopSec=10
UMask=0077
# A place to allocate from for two threads at a time instead of for each: a tenth less memory, at the same speed.
Environment=MALLOC_ARENA_MAX=2

# It gives way to everything else.
Nice=10
IOSchedulingClass=idle
CPUSchedulingPolicy=batch

NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`

/** One word of ExecStart: quoted, with what systemd would replace or split made plain. */
const quote = (word: string): string => {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$")
  if (/^[\w@%+=:,./~$-]+$/u.test(plain)) return plain
  const escaped = plain.replaceAll("\\", "\\\\").replaceAll("\"", "\\\"").replaceAll("\n", "\\n").replaceAll(
    "\t",
    "\\t"
  )
  return `"${escaped}"`
}

const comment = (text: string): string => text.replaceAll(/\s/gu, " ")
