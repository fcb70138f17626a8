/**
 * The launchd agent of one user's daemon: an agent and not a daemon, since only an agent can be given access to a
 * user's messages.
 */
import type { ServiceOptions } from "./Systemd.ts"

/** From the user's own folder. */
export const PLACE = ["Library", "LaunchAgents", "org.sealog.daemon.plist"]

export const make = (options: ServiceOptions): string =>
  `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${escape(options.path).replaceAll("--", "- -")}
     Then: launchctl bootstrap gui/$(id -u) "${escape(options.path).replaceAll("--", "- -")}"
     A store such as ~/Library/Messages needs Full Disk Access for the program named first below. -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>org.sealog.daemon</string>
  <key>ProgramArguments</key>
  <array>
${options.words.map((word) => `    <string>${escape(word)}</string>`).join("\n")}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>30</integer>
  <key>ExitTimeOut</key>
  <integer>10</integer>
  <key>ProcessType</key>
  <string>Background</string>
  <key>LowPriorityIO</key>
  <true/>
  <key>Nice</key>
  <integer>10</integer>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardOutPath</key>
  <string>${escape(options.log)}</string>
  <key>StandardErrorPath</key>
  <string>${escape(options.log)}</string>
</dict>
</plist>
`

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")
