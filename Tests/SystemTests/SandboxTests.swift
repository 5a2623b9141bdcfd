import Glibc
import Harness
import Kernel
import TestSupport
import Testing

/// What a program sees that runs as PID 1, and what it cannot do.
@Suite("The sandbox", .timeLimit(.minutes(10)))
struct SandboxTests {
    /// Runs a shell script as PID 1; what it printed.
    private func output(_ script: String, settings: String = "") async throws -> [String] {
        let text = """
            scenario "sandbox"
            \(settings)
              command sh -c '\(script)'
              start
              expect state exited within 20s
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        #expect(result.verdict == .passed, "\(result.verdict) \(result.output)")
        return result.output
    }

    @Test func pid1IsAloneInFreshNamespaces() async throws {
        let lines = try await output(
            "echo $$; echo /proc/[0-9]*; hostname; readlink /proc/self/ns/net; cat /proc/net/dev | grep -c :; pwd; umask",
            settings: "  hostname box")
        #expect(lines[0] == "1")
        #expect(lines[1] == "/proc/1" || lines[1].hasPrefix("/proc/1 /proc/"))
        #expect(lines[2] == "box")
        #expect(lines[3] != Files.target(ofLink: "/proc/self/ns/net"))
        #expect(lines[4] == "1")
        #expect(lines[5] == "/")
        #expect(lines[6] == "0022")
    }

    @Test func signalsAndCapabilitiesAreThoseOfDocker() async throws {
        let lines = try await output("exec cat /proc/self/status")
        func value(_ key: String) -> String? {
            lines.first { $0.hasPrefix(key + ":") }.map { String($0.dropFirst(key.count + 1).drop { $0 == "\t" }) }
        }
        #expect(value("SigBlk") == "0000000000000000")
        #expect(value("SigIgn") == "0000000000000000")
        #expect(value("SigCgt") == "0000000000000000")
        #expect(value("CapEff") == "00000000a80425fb")
        #expect(value("CapPrm") == "00000000a80425fb")
        #expect(value("CapBnd") == "00000000a80425fb")
        #expect(value("CapInh") == "0000000000000000")
        #expect(value("NSpid") == "1")
        #expect(value("NSsid") == "1")
        #expect(value("NSpgid") == "1")
    }

    @Test func onlyTheStandardDescriptorsAreOpen() async throws {
        // The fourth is the directory that `ls` reads.
        #expect(try await output("exec ls /proc/self/fd") == ["0", "1", "2", "3"])
    }

    @Test func procAndSysAreMaskedAndReadOnly() async throws {
        let lines = try await output(
            """
            wc -c </proc/keys; wc -c </proc/timer_list; \
            (echo x >/proc/sys/kernel/hostname) 2>/dev/null || echo no; \
            grep -c " /proc/sys proc ro" /proc/mounts; grep -c " /sys sysfs ro" /proc/mounts
            """)
        #expect(lines == ["0", "0", "no", "1", "1"])
    }

    @Test func devicesCannotBeOpenedThoughTheyCanBeMade() async throws {
        let lines = try await output(
            """
            echo x >/dev/null && head -c 1 /dev/zero | wc -c; ls /dev | sort | tr "\\n" " "; echo; \
            for d in /dev /tmp /dev/shm /; do mknod $d/made c 1 5 && (head -c 1 $d/made >/dev/null) 2>/dev/null || echo no; done
            """)
        #expect(
            lines == [
                "1", "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero ", "no", "no", "no",
                "no",
            ])
    }

    @Test func whatIsTheHostsStaysTheHosts() async throws {
        let before = Files.text(of: "/proc/self/mountinfo")
        let lines = try await output(
            "chmod 600 /dev/null 2>/dev/null || echo no; chown 1 /dev/zero 2>/dev/null || echo no; rm /dev/tty 2>/dev/null || echo no; echo x >/dev/null && echo yes"
        )
        #expect(lines == ["no", "no", "no", "yes"])
        #expect(Files.text(of: "/proc/self/mountinfo") == before)
    }

    @Test func itCannotMountOrReachOut() async throws {
        let lines = try await output(
            """
            mount -t tmpfs x /mnt 2>/dev/null || echo no; umount /proc 2>/dev/null || echo no; \
            unshare -m true 2>/dev/null || echo no; kill -9 -1 2>/dev/null; echo alive
            """)
        #expect(lines == ["no", "no", "no", "alive"])
    }

    /// Where another user could put something in the place of what root makes, nothing is made.
    @Test func aDirectoryIsSafeWhereNobodyElseCanChangeIt() throws {
        let folder = "/run/harness-test-\(UInt64.random(in: 0 ... .max))"
        try Files.makeDirectory(folder)
        defer {
            Files.remove(folder + "/link")
            for name in ["open", "sticky", "open/below"].reversed() { try? Files.removeDirectory("\(folder)/\(name)") }
            try? Files.removeDirectory(folder)
        }
        try Files.makeDirectory(folder + "/open", mode: 0o777)
        try Files.makeDirectory(folder + "/open/below", mode: 0o755)
        try Files.makeDirectory(folder + "/sticky", mode: 0o1777)
        #expect(symlink("/run", folder + "/link") == 0)
        #expect(Files.isSafe("/run") && Files.isSafe(folder) && Files.isSafe(folder + "/sticky"))
        for name in ["open", "open/below", "link", "absent"] { #expect(!Files.isSafe("\(folder)/\(name)"), "\(name)") }
    }

    /// What is locked is in use; what is not is a leftover.
    @Test func aClaimLastsAsLongAsItsOwner() throws {
        let path = "/run/\(RunName())"
        var claim: Claim? = try Claim(making: path)
        #expect(throws: SystemCallError.self) { try Claim(making: path) }
        #expect(Claim.abandoned(path) == nil)
        withExtendedLifetime(claim) {}
        claim = nil
        #expect(Claim.abandoned(path) != nil)
        try Files.removeDirectory(path)
        #expect(RunName.isOne("harness-12-0123456789abcdef") && !RunName.isOne("harness-12-34"))
        #expect(!RunName.isOne("harness-test-12") && !RunName.isOne("harness--0123456789abcdef"))
    }

    @Test func whatItWritesStaysInside() async throws {
        let name = "/harness-inside-\(UInt64.random(in: 0 ... .max))"
        let lines = try await output(
            "echo x >\(name) && cat \(name); rm -rf /etc/hostname; ls /etc/hostname 2>&1 | wc -l")
        #expect(lines.first == "x")
        #expect(!Files.exists(name))
        #expect(Files.exists("/etc/hostname"))
    }

    @Test func itsDiskIsLimited() async throws {
        let lines = try await output(
            "head -c 2000000000 /dev/zero >/big 2>/dev/null || echo full; rm /big; echo x >/small && echo room")
        #expect(lines == ["full", "room"])
    }

    @Test func aForkBombHitsAWall() async throws {
        let lines = try await output(
            """
            n=0; while sleep 60 2>/dev/null & do n=$((n+1)); [ $n -gt 5000 ] && break; done 2>/dev/null; echo $n
            """)
        // The shell ends when it cannot fork: it must not have come to the end of its loop.
        #expect(lines.allSatisfy { Int($0) ?? 0 < 5000 })
    }

    @Test func privateFileSystemsAreMountedWhereAsked() async throws {
        let lines = try await output("grep -c \" /run tmpfs\" /proc/mounts; ls /run | wc -l", settings: "  tmpfs /run")
        #expect(lines == ["1", "0"])
    }

    @Test func aFloodOfOutputIsCutAndNeverBlocks() async throws {
        let text = """
            scenario "flood"
              command sh -c 'head -c 20000000 /dev/zero; echo; echo done >&2'
              start
              expect exit 0 within 20s
              expect output contains "done"
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        #expect(result.verdict == .passed)
        let dropped = result.journal.events.compactMap { event -> Int? in
            if case .dropped(let bytes, of: .stream(.stdout)) = event.kind { bytes } else { nil }
        }
        #expect(dropped.reduce(0, +) > 18_000_000)
    }

    @Test func aProgramThatIsNotThereHasTheRuntimesStatus() async throws {
        let text = """
            scenario "missing"
              command /no/such/program
              start
              expect exit 127
            scenario "not executable"
              command /etc/passwd
              start
              expect exit 126
            """
        for result in try await run(scenarios(text), on: [.none]) {
            #expect(result.verdict == .passed, "\(result.verdict)")
        }
    }
}
