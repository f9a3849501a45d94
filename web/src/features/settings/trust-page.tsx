import type { ReactNode } from 'react';
import { Page, Section } from '../../components/ui/page';

/** How a device comes to trust the board's own authority. It needs no access: it is read before there is any. */
export function TrustPage() {
  return (
    <Page title="Trust this board">
      <p className="max-w-2xl text-ink-2">
        The connection to this board is encrypted by a certificate of its own, which no public authority has signed. A
        device that is to install it as an app, or to be notified, must trust Marline’s authority once. Where the board
        is reached through <code className="font-mono text-xs">tailscale serve</code> or with a certificate of yours,
        nothing of this is needed.
      </p>
      <p className="mt-4">
        <a
          href="/ca.crt"
          download="marline-ca.crt"
          className="inline-flex h-8 items-center rounded-md bg-accent px-3 font-medium text-on-accent text-sm coarse:h-11"
        >
          Get the certificate
        </a>
      </p>
      <p className="mt-3 max-w-2xl text-ink-3 text-xs">
        Compare its SHA-256 fingerprint with the one that <code className="font-mono">marline pair</code> prints.
        Whoever has the authority’s key can pretend to be any site to devices that trust it; the key stays in a file on
        the machine that only its owner can read. Take the trust away in the same place when you no longer need it.
      </p>
      <Section title="iPhone and iPad">
        <Steps>
          <li>Open this page in Safari, tap “Get the certificate”, and allow the download of a profile.</li>
          <li>Settings → General → VPN & Device Management → the profile “Marline …” → Install.</li>
          <li>Settings → General → About → Certificate Trust Settings → switch “Marline …” on.</li>
          <li>Open the board again, and add it to the Home Screen: only there it can notify you.</li>
        </Steps>
      </Section>
      <Section title="Android">
        <Steps>
          <li>Tap “Get the certificate”.</li>
          <li>Settings → Security → More → Encryption & credentials → Install a certificate → CA certificate.</li>
          <li>Choose the downloaded file. Chrome trusts it; Firefox must be told to use the system’s certificates.</li>
        </Steps>
      </Section>
      <Section title="Desktop">
        <Steps>
          <li>macOS: open the file, add it to the login keychain, and set “Always Trust” for SSL.</li>
          <li>Windows: open the file, and install it into “Trusted Root Certification Authorities”.</li>
          <li>Linux, Chrome: Settings → Privacy → Security → Manage certificates → Authorities → Import.</li>
          <li>Firefox: Settings → Privacy & Security → Certificates → View → Authorities → Import.</li>
        </Steps>
      </Section>
    </Page>
  );
}

function Steps({ children }: { children: ReactNode }) {
  return <ol className="max-w-2xl list-decimal space-y-1.5 pl-5 text-ink-2 marker:text-ink-3">{children}</ol>;
}
