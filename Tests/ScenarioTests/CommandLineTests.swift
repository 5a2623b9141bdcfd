import Foundation
import Harness
import TestSupport
import Testing

/// The `harness` command as people and CI call it.
@Suite("The command line", .timeLimit(.minutes(10)))
struct CommandLineTests {
    private func harness(_ arguments: String..., user: UInt32? = nil) async throws -> Command.Outcome {
        try await harness(words: arguments, user: user)
    }

    private func harness(words: [String], user: UInt32? = nil) async throws -> Command.Outcome {
        try await blocking { try Command([Checkout.harness] + words, user: user).finish() }
    }

    static let passing = """
        scenario "passes"
          service app
          start
          expect app ready within 10s
          stop
          expect exit 0
        """

    @Test func passedIs0() async throws {
        try await withScenario(Self.passing) { path in
            let end = try await harness("run", path)
            #expect(end.status == .exited(0))
            #expect(end.output.contains("1 passed"))
        }
    }

    @Test func failedIs1() async throws {
        try await withScenario(Self.passing.replacing("exit 0", with: "exit 1")) { path in
            let end = try await harness("run", path, "--init", "reference")
            #expect(end.status == .exited(1))
            #expect(end.output.contains("expected  expect exit 1"))
            #expect(end.output.contains("observed  exit 0"))
            #expect(end.output.contains("\(path):6"))
        }
    }

    @Test func anInitByARelativePathIsFound() async throws {
        // As somebody types it who stands in the folder of his init; the profile's path counts from the profile.
        let folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.copyItem(atPath: Checkout.fakeServices, toPath: folder + "/my-init")
        try Checkout.write(Self.passing, to: folder + "/a.scenario")
        try Checkout.write("init mine\n  command ./my-init init -- {command}\n", to: folder + "/mine.init")
        let run = "cd \(folder) && \(Checkout.harness) run a.scenario"
        for arguments in ["-- ./my-init init --", "--init mine.init", "--init none -- ./my-init init -- {command}"] {
            let end = try await blocking {
                try Command(
                    ["sh", "-c", "\(run) \(arguments)"],
                    environment: Command.usualEnvironment + ["HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)"]
                ).finish()
            }
            #expect(end.status == .exited(0), "\(arguments): \(end.output)\(end.errors)")
        }
        let elsewhere = try await harness("run", folder + "/a.scenario", "--init", folder + "/mine.init")
        #expect(elsewhere.status == .exited(0), "\(elsewhere.output)\(elsewhere.errors)")
    }

    // MARK: - What is run, and with what

    @Test func aCommandThatIsNotThereIsOneSentence() async throws {
        try await withScenario(Self.passing) { path in
            for (name, near) in [("slep", "sleep"), ("/usr/bin/slep", "/usr/bin/sleep")] {
                let end = try await harness("run", path, "--", name, "--")
                #expect(end.status == .exited(2))
                #expect(end.output.isEmpty)
                #expect(
                    end.errors == "harness: there is no program '\(name)' on this machine; did you mean '\(near)'?\n")
            }
            let end = try await harness("run", path, "--", "/etc/passwd")
            #expect(end.errors == "harness: /etc/passwd may not be executed: chmod +x /etc/passwd\n")
        }
    }

    @Test func aRunInWhichNothingAppliesIs2() async throws {
        try await withScenario(Self.passing.replacing("service app", with: "about catatonit\n  service app")) { path in
            let end = try await harness("run", path, "--init", "none")
            #expect(end.status == .exited(2))
            #expect(end.output.contains("n/a  1 × it is about catatonit"))
            #expect(end.errors.contains("nothing was tested"))
        }
    }

    /// Without `--init`: the reference for services, none for a command, and what a scenario is about.
    @Test(arguments: [
        ("  service app", "reference"), ("  command sleep 60", "none"),
        ("  requires reaping\n  command sleep 60", "reference"),
        ("  tags SF01\n  command sleep 60", "reference"), ("  about none\n  service app", "none"),
    ])
    func eachScenarioIsRunWithWhatItIsAbout(lines: String, expected: String) async throws {
        try await withScenario("scenario \"x\"\n\(lines)\n  start\n  expect exit 99\n") { path in
            let end = try await harness("run", path)
            #expect(end.output.hasPrefix("FAILED  \(expected): x"), "\(end.output)\(end.errors)")
        }
    }

    /// Programs on a file system that is mounted below the host's root, and what they find there; it is not written to.
    @Test(.enabled(if: Checkout.isInstalled("unshare")), arguments: ["/mnt", "/dev/shm", "/tmp"])
    func whatIsMountedBelowTheRootIsSeen(place: String) async throws {
        try await withScenario(Self.passing) { path in
            let folder = "\(place)/harness-mount"
            let script = """
                mkdir -p \(folder) && mount -t tmpfs none \(folder) && cd \(folder) && cp \(Checkout.fakeServices) init \
                && cp \(path) a.scenario && \(Checkout.harness) run a.scenario -- ./init init -- {command} && ls \(folder)
                """
            let end = try await blocking {
                try Command(
                    ["unshare", "-m", "sh", "-c", script],
                    environment: Command.usualEnvironment + ["HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)"]
                ).finish()
            }
            #expect(end.status == .exited(0), "\(end.output)\(end.errors)")
            #expect(end.output.hasSuffix("a.scenario\ninit\n"), "\(end.output)")
        }
    }

    @Test(.enabled(if: Checkout.isInstalled("python3")))
    func aScriptOfAnInterpreterIsFoundFromHere() async throws {
        let folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Checkout.write("import os, sys\nos.execvp(sys.argv[1], sys.argv[1:])\n", to: folder + "/my.py")
        try Checkout.write(Self.passing, to: folder + "/a.scenario")
        for script in ["./my.py", "my.py"] {
            let end = try await blocking {
                try Command(["sh", "-c", "cd \(folder) && \(Checkout.harness) run a.scenario -- python3 \(script)"])
                    .finish()
            }
            #expect(end.status == .exited(0), "\(end.output)\(end.errors)")
        }
    }

    // MARK: - diagnose

    /// Each option of `docker run` is done as Docker does it, or refused by name.
    @Test(arguments: [
        (["--privileged"], "--privileged leads out of the sandbox"),
        (["--tmpfs", "/run:bogus=1"], "--tmpfs /run takes exec, ro, size=N, mode=N, uid=N and gid=N, not 'bogus=1'"),
        (["-v", "data:/x:bogus"], "-v data:/x takes ro, rw, nocopy, z, Z, not 'bogus'"),
        (
            ["-v", "/dev/null:/x"],
            "is neither a directory nor a file: sockets and devices of the host stay out of reach"
        ),
        (["--tmpfs", "/t:="], "--tmpfs /t takes exec, ro, size=N, mode=N, uid=N and gid=N, not '='"),
        (["--tmpfs", "/proc"], "a volume or tmpfs at /proc hides what every container has there"),
        (["--memory", "9999999999g"], "--memory takes a size, such as 64m, not '9999999999g'"),
        (["-u", "nosuchuser"], "unable to find user nosuchuser"),
        (["--sideways"], "'--sideways' is not an option of diagnose"),
    ])
    func anOptionThatCannotBeDoneIsRefusedByName(arguments: [String], message: String) async throws {
        let end = try await blocking {
            try Command([Checkout.harness, "diagnose"] + arguments + ["--", "true"]).finish()
        }
        #expect(end.status == .exited(2))
        #expect(end.errors.contains(message), "\(end.errors)")
    }

    // MARK: - check

    /// What cannot be checked so, and the sentence that says so; nothing is run.
    @Test(arguments: [
        ([], "what is to be checked: an image"), (["a", "b"], "'a' and 'b': one target at a time"),
        (["--only", "stp", "a"], "--only: there is no check 'stp'; did you mean 'stop'?"),
        (["--only", "stop", "--skip", "stop", "a"], "no check is left"),
        (["--stop-timeout", "-1", "a"], "a stop without end cannot be judged"),
        (["--restart", "no", "a"], "'--restart' is not an option of check"),
        (["--accept", "/nowhere", "a"], "--accept /nowhere: there is no such file"),
        (["--image", "a", "b"], "'b' and --image or --rootfs: one of them"),
    ])
    func whatCannotBeCheckedIsRefused(arguments: [String], message: String) async throws {
        let end = try await blocking { try Command([Checkout.harness, "check"] + arguments).finish() }
        #expect(end.status == .exited(2))
        #expect(end.errors.contains(message), "\(end.errors)")
    }

    /// What is accepted does not fail; its file may have the line ends of another system, and tabs.
    @Test func whatIsAcceptedDoesNotFail() async throws {
        let path = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max)).accepted"
        try Checkout.write("# a comment\r\nstart\tas it is\r\nstop  it cannot be helped\r\n", to: path)
        defer { Checkout.remove(path) }
        for (accepted, status) in [([], 1), (["--accept", path], 0)] as [([String], Int32)] {
            let arguments = ["check", "--only", "stop", "--stop-timeout", "1"] + accepted + ["--", "sleep", "1000"]
            let end = try await blocking {
                try Command(
                    [Checkout.harness] + arguments,
                    environment: Command.usualEnvironment + ["HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)"]
                ).finish()
            }
            #expect(end.status == .exited(status), "\(end.output)\(end.errors)")
            #expect(end.output.contains(status == 0 ? "1 accepted" : "1 harmful"), "\(end.output)")
        }
    }

    // MARK: - diagnose, carried out

    @Test func whatIsMountedIsAsWithDocker() async throws {
        let folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Checkout.write("kept\n", to: folder + "/file")
        let command =
            "cat /x/file; cat /etc/own; echo changed > /x/file; cp /bin/true /scratch/; /scratch/true && echo executed; id -u; exit 3"
        let end = try await harness(
            "diagnose", "--restart", "no", "-v", "\(folder):/x", "-v", "\(folder)/file:/etc/own:ro", "--tmpfs",
            "/scratch:exec",
            "-u", "root", "--", "sh", "-c", command)
        #expect(end.output.contains("it ends with status 3"), "\(end.output)\(end.errors)")
        for line in ["kept", "executed", "0"] {
            #expect(end.output.contains("it printed: \"\(line)\""), "\(end.output)")
        }
        #expect(try String(contentsOfFile: folder + "/file", encoding: .utf8) == "kept\n")
    }

    @Test func whatDoesNotParseIs2AndNothingIsRun() async throws {
        try await withScenario(Self.passing + "\n  expect exit x\n") { path in
            let end = try await harness("run", path)
            #expect(end.status == .exited(2))
            #expect(end.output.isEmpty)
            #expect(
                end.errors.hasPrefix(
                    "\(path):7:15: error: expected 'on' or a number from 0 to 255, found 'x' [unexpected]\n"))
        }
    }

    @Test(arguments: [
        ["run", "--sideways"], ["run", "--jobs", "0"], ["run", "--jobs"], ["run", "--format", "xml"],
        ["run", "--init", "nonesuch"],
        ["run", "/no/such/file"], ["run", "--filter", "no scenario has this in its title"], ["sing"], [],
        ["doctor", "x"], ["run", "--"],
    ])
    func aCommandLineThatIsNotUnderstoodIs2(arguments: [String]) async throws {
        let end = try await blocking { try Command([Checkout.harness] + arguments).finish() }
        #expect(end.status == .exited(2))
        #expect(end.output.isEmpty)
        #expect(!end.errors.isEmpty)
    }

    @Test(arguments: ["command ghost-init -- {command}", "needs ghost-init\n  command sh -c {command}"])
    func anInitThatIsNotInstalledIs3AndNamed(command: String) async throws {
        let profile = "init ghost\n  package ghost-init\n  \(command)\n"
        try await withScenario(Self.passing) { path in
            try await withScenario(profile) { profilePath in
                let end = try await harness("run", path, "--init", profilePath)
                #expect(end.status == .exited(3))
                #expect(end.errors.contains("ghost: ghost-init is not installed; apt-get install ghost-init"))
                let both = try await harness("run", path, "--init", "reference", "--init", profilePath)
                #expect(both.status == .exited(0))
                #expect(both.output.contains("skipped  ghost"))
            }
        }
    }

    @Test func whoMayNotIs3() async throws {
        try await withScenario(Self.passing) { path in
            let end = try await harness("run", path, user: 65534)
            #expect(end.status == .exited(3))
            #expect(end.errors.contains("run as root"))
        }
    }

    @Test func anInitMayStandOnTheCommandLine() async throws {
        try await withScenario(Self.passing) { path in
            let end = try await harness("run", path, "--format", "json", "--", "sh", "-c", "exec \"$@\"", "sh")
            #expect(end.status == .exited(0))
            #expect(end.output.contains("\"init\" : \"sh -c exec \\\"$@\\\" sh\""))
        }
    }

    // MARK: - Runtimes

    @Test func aScenarioIsDrivenByTheRulesThatAreAskedFor() async throws {
        try await withScenario(Self.paused) { path in
            let docker = try await harness("run", path, "--init", "none")
            #expect(docker.status == .exited(0) && docker.output.contains("1 passed"), "\(docker.output)")
            let all = try await harness("run", path, "--init", "none", "--runtime", "all")
            #expect(all.status == .exited(1), "\(all.output)")
            #expect(all.output.contains("none on podman: the stop thaws"), "\(all.output)")
            #expect(all.output.contains("kubernetes does not pause containers"), "\(all.output)")
            let compared = try await harness("run", path, "--init", "none", "--compare")
            #expect(compared.status == .exited(1))
            #expect(compared.output.hasPrefix("what is refused\n  docker   passed: "), "\(compared.output)")
            #expect(
                compared.output.contains("podman   failed: ") && compared.output.contains("the container is paused"))
            #expect(compared.output.contains("none, 1: the stop thaws") && !compared.output.contains("kubernetes  "))
            #expect(
                compared.output.hasSuffix(
                    "1 of 1 scenarios end differently, for 1 reason; the others are the same under each runtime\n"))
        }
    }

    /// Docker thaws for a stop, Podman refuses it, Kubernetes pauses nothing.
    private static let paused = """
        scenario "the stop thaws"
          command sh -c "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"
          start
          wait for output line "up" within 10s
          pause
          stop
          expect exit 0
        """

    @Test func whatIsAboutARuntimeIsNotAboutOthers() async throws {
        try await withScenario(Self.paused.replacing("\"\n", with: "\"\n  runtime docker\n", maxReplacements: 1)) {
            path in
            let podman = try await harness("run", path, "--init", "none", "--runtime", "podman")
            #expect(podman.status == .exited(2) && podman.output.contains("it is about docker"), "\(podman.output)")
        }
    }

    @Test(arguments: [["--runtime", "rkt"], ["--runtime="], ["--compare", "--format", "json"], ["--compare=x"]])
    func aRuntimeThatIsNotKnownIs2(arguments: [String]) async throws {
        let end = try await blocking { try Command([Checkout.harness, "run"] + arguments).finish() }
        #expect(end.status == .exited(2) && end.output.isEmpty && end.errors.hasPrefix("harness: "), "\(end.errors)")
    }

    /// It needs no privileges.
    @Test func simulationsAreTablesOrJSON() async throws {
        let table = try await harness(
            "simulate", "--runtime", "docker,kubernetes", "--restart", "always", "exits 1 after 2s", "until 30s",
            user: 65534)
        #expect(table.status == .exited(0), "\(table.errors)")
        let lines = table.output.split(separator: "\n")
        #expect(lines.first?.split(separator: " ") == ["docker", "kubernetes"])
        #expect(
            lines.contains { $0.hasPrefix("2s ") && $0.contains("PID 1 exits 1 → restart 1 in 100ms") },
            "\(table.output)")
        #expect(lines.last == "kubernetes: and so on, or longer than was looked")
        let json = try await harness("simulate", "--format", "json", "stop at 1s")
        let document = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        #expect(document?["schema"] as? String == "harness.simulate/1")
    }

    /// What the documents show is what it prints.
    @Test(arguments: ["README.md", "docs/RUNTIMES.md"])
    func theTablesOfTheDocumentsAreTrue(page: String) async throws {
        let text = try String(contentsOfFile: Checkout.root + "/" + page, encoding: .utf8)
        let shown = text.components(separatedBy: "$ harness simulate ").dropFirst()
        #expect(!shown.isEmpty)
        for part in shown {
            let lines = part.split(separator: "\n", omittingEmptySubsequences: false)
            // Words, and a text between quotes at the end.
            let words = lines[0].split(separator: "'")
            let arguments = words[0].split(separator: " ").map(String.init) + words.dropFirst().map(String.init)
            let table = lines.dropFirst().prefix { !$0.isEmpty && $0 != "```" }.joined(separator: "\n") + "\n"
            let end = try await blocking { try Command([Checkout.harness, "simulate"] + arguments).finish() }
            #expect(end.output == table, "\(arguments)")
        }
    }

    @Test func aClauseThatIsNoneHasItsPlace() async throws {
        let end = try await harness("simulate", "exit 1 after 2s")
        #expect(end.status == .exited(2) && end.output.isEmpty)
        #expect(
            end.errors == "harness: 'exit' is not known here; did you mean 'exits'?\n  exit 1 after 2s\n  ^\n",
            "\(end.errors)")
    }

    @Test func helpAndDoctorAnswer() async throws {
        let help = try await harness("--help")
        #expect(help.status == .exited(0) && help.output.contains("exit status"))
        for verb in ["run", "diagnose", "report", "simulate", "lint", "fmt", "list", "doctor", "completions", "man"] {
            #expect(help.output.contains("  \(verb) "), "\(verb)")
            let ofVerb = try await harness(verb, "--help")
            #expect(ofVerb.status == .exited(0), "\(verb)")
            #expect(ofVerb.output.contains("usage: harness \(verb)"), "\(verb)")
            // Three examples each.
            #expect(ofVerb.output.components(separatedBy: "\n  harness \(verb)").count == 4, "\(ofVerb.output)")
            let asked = try await harness("help", verb)
            #expect(asked.output == ofVerb.output)
        }
        let version = try await harness("--version")
        #expect(
            version.status == .exited(0) && version.output.hasPrefix("harness ")
                && version.output.contains("\nwitness: "))
        for (words, answer) in [
            (["rnu"], "'rnu' is not a verb; did you mean 'run'?"),
            (["run", "--fliter", "x"], "did you mean '--filter'?"),
            (["run", "--format", "xml"], "--format is human, json,"), (["help", "rnu"], "did you mean 'run'?"),
            (["run", "--init"], "--init takes a value: NAME|FILE"), (["run", "--failed=x"], "--failed takes no value"),
        ] {
            let end = try await harness(words: words)
            #expect(end.status == .exited(2) && end.errors.contains(answer), "\(end.errors)")
        }
        let doctor = try await harness("doctor")
        #expect(doctor.status == .exited(0))
        #expect(doctor.output.contains("this machine can run scenarios"))
        #expect(doctor.output.contains("container  started and stopped in"))
    }

    /// The file is there until the body has ended.
    private func withScenario(_ text: String, _ body: (String) async throws -> Void) async throws {
        let path = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max)).init"
        try Checkout.write(text, to: path)
        do {
            try await body(path)
        } catch {
            Checkout.remove(path)
            throw error
        }
        Checkout.remove(path)
    }
}
