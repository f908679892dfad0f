// The one command by which a machine's browsers trust the lab's authority, for each platform, and the one that takes it back.

export interface TrustCommand {
  readonly trust: string
  readonly undo: string
  /** What it needs or what it doesn't reach, in a sentence. */
  readonly note: string
}

/** `platform` is as in `process.platform`. */
export function trustCommand(platform: string, authorityFile: string, name: string): TrustCommand {
  switch (platform) {
    case 'darwin':
      return {
        trust: `security add-trusted-cert -r trustRoot -k "$HOME/Library/Keychains/login.keychain-db" ${quoted(authorityFile)}`,
        undo: `security delete-certificate -t -c ${quoted(name)}`,
        note: 'It asks for your password. Safari, Chrome and Firefox use this keychain; restart them.',
      }
    case 'win32':
      return {
        trust: `certutil -user -addstore Root "${authorityFile}"`,
        undo: `certutil -user -delstore Root "${name}"`,
        note: 'Windows asks whether you are sure. Chrome, Edge and Firefox use this store; restart them.',
      }
    default:
      return {
        trust: `mkdir -p "$HOME/.pki/nssdb"; ${forEachStore(`certutil -d "sql:$store" -A -t C,, -n ${quoted(name)} -i ${quoted(authorityFile)}`)}`,
        undo: forEachStore(`certutil -d "sql:$store" -D -n ${quoted(name)}`),
        note: 'It reaches Chromium, Chrome and Firefox, and needs certutil (Debian: apt install libnss3-tools; Fedora: nss-tools; Arch: nss). Restart the browsers.',
      }
  }
}

/** Chromium keeps one store a user, Firefox one a profile. */
function forEachStore(command: string): string {
  const stores =
    '"$HOME/.pki/nssdb" "$HOME"/.mozilla/firefox/*.default* "$HOME"/snap/firefox/common/.mozilla/firefox/*.default*'
  return `for store in ${stores}; do if [ -d "$store" ]; then ${command}; fi; done`
}

/** A word for a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
