import Journal
import Kernel
import Model
import Sandbox
import Vocabulary

/// Looks for the reasons of what was observed.
struct Causes {
    private let diagnoser: Diagnoser
    private let seen: Diagnoser.Observation
    private var findings: [Diagnosis.Finding] = []

    init(_ diagnoser: Diagnoser, _ seen: Diagnoser.Observation) {
        self.diagnoser = diagnoser
        self.seen = seen
    }

    private var scenario: Scenario { diagnoser.scenario }
    private var command: [String] { if case .command(let words)? = scenario.settings.payload { words } else { [] } }

    mutating func find() throws -> [Diagnosis.Finding] {
        guard !seen.isStable else {
            hearing()
            return findings
        }
        if seen.lives.contains(where: { $0.startFailure != nil }) {
            startFailure()
            return findings
        }
        initialisation()
        words(seen)
        if !hasReason { try experiments() }
        if !hasReason { staleFile() }
        if !hasReason { end() }
        return findings
    }

    /// Whether something is known of why it ends, beside what it does at each start.
    private var hasReason: Bool { findings.contains { $0.cause != .initialisesEveryTime } }

    private mutating func note(_ cause: Diagnosis.Cause, _ what: String, _ evidence: [String], _ remedy: String) {
        if findings.contains(where: { $0.cause == cause }) { return }
        findings.append(Diagnosis.Finding(cause: cause, what: what, evidence: evidence, remedy: remedy))
    }

    // MARK: - Where it is stable

    private mutating func hearing() {
        let signal = scenario.stop.signal ?? diagnoser.profile.stopSignal ?? .term
        guard seen.isRootDeaf else { return }
        let others =
            seen.hearers.isEmpty ? "nobody in the container has" : "\(seen.hearers.joined(separator: ", ")) has"
        note(
            .deafToStopSignal,
            "PID 1 has no handler for \(signal), so the kernel drops it: a stop takes the whole grace period, and ends with 137",
            ["/proc/1/status: \(signal) is neither caught nor blocked; \(others)"],
            seen.hearers.isEmpty
                ? "an init in front (--init), or a trap"
                : "exec in the entrypoint, so that the program is PID 1; or an init (--init)")
    }

    // MARK: - Where it cannot be started

    private mutating func startFailure() {
        guard let failure = seen.lives.last?.startFailure else { return }
        let program = command.first ?? ""
        let evidence = ["\(failure.stage), status \(failure.code)"]
        guard let text = beginning(of: program) else {
            return note(
                .notFound, "there is no \(program)", evidence,
                "the right path, or a PATH in which it is; is it in the image?")
        }
        let first = text.prefix { $0 != 0x0A }
        let shown = "its first line: " + Spelling.quoted(String(decoding: first.prefix(80), as: UTF8.self))
        if first.starts(with: [0x23, 0x21]), failure.code == 127 {
            if first.last == 0x0D {
                return note(
                    .carriageReturn,
                    "the first line of \(program) ends with a carriage return, which the kernel takes for a part of the interpreter's name",
                    evidence + [shown], "line ends without it: sed -i 's/\\r$//' \(program)")
            }
            let interpreter = String(decoding: first.dropFirst(2), as: UTF8.self).split(separator: " ").first ?? ""
            return note(
                .missingInterpreter, "the interpreter of \(program), \(interpreter), is not there", evidence + [shown],
                "install \(interpreter), or name one that is there")
        }
        if failure.code == 126 {
            return note(
                .notExecutable, "\(program) may not be executed", evidence,
                "chmod +x \(program); if it is on a volume, no noexec")
        }
        if failure.code == 127 {
            return note(
                .missingInterpreter, "the loader that \(program) names is not there", evidence,
                "a program for this image's C library, or a static one")
        }
        note(
            .noProgram, "\(program) is no program, and has no first line that names an interpreter", evidence + [shown],
            "#!/bin/sh as its first line")
    }

    /// The first bytes of a program, from the container's files or the root's.
    private func beginning(of program: String) -> [UInt8]? {
        if let file = scenario.settings.files.first(where: { $0.path == program }) {
            return Array(file.text.utf8.prefix(256))
        }
        let root = scenario.settings.rootDirectory ?? ""
        let found =
            program.contains("/") ? root + program : Files.find(program: program, in: Container.searchPath, below: root)
        guard let found, Files.exists(found) else { return nil }
        return (try? Descriptor.open(found, .read).read(upTo: 256)) ?? []
    }

    // MARK: - What is done at every start

    private mutating func initialisation() {
        let ended = seen.lives.filter { $0.end != nil }
        guard ended.count >= 2 else { return }
        var again = Set(ended[0].files.keys)
        for (former, life) in zip(ended, ended.dropFirst()) {
            again = again.filter { path in
                guard let old = former.files[path], let new = life.files[path] else { return false }
                return new > old
            }
        }
        let own = again.filter { path in !path.hasSuffix(".log") && !path.hasSuffix(".pid") && !path.hasPrefix("/run/")
        }
        guard !own.isEmpty else { return }
        let paths = own.sorted()
        let kept = Set(ended[0].files.keys).subtracting(again).filter { $0.contains("init") || $0.contains("done") }
        var evidence = paths.prefix(5).map { "\($0) was written in each of \(ended.count) starts" }
        if paths.count > 5 { evidence.append("and \(paths.count - 5) more") }
        evidence.append(
            kept.isEmpty
                ? "no file in the layer or on a volume was written once and then looked for: there is no marker, or it is where it does not persist"
                : "\(kept.sorted().joined(separator: ", ")) was written once, and did not keep it from that")
        note(
            .initialisesEveryTime, "the same files are written again at every start", evidence,
            "a marker on a volume: checked first, written last, with a temporary file and mv")
    }

    // MARK: - What it says

    private mutating func words(_ observation: Diagnoser.Observation, _ how: String = "") {
        for life in observation.lives.reversed() {
            for line in life.lastWords {
                let text = line.filter { $0 != "\r" }
                let evidence = ["it printed\(how): \(Spelling.quoted(String(text.prefix(160))))"]
                let lower = text.lowercased()
                if text.contains("/sys/fs/cgroup") || lower.contains("control group") { controlGroup(evidence) }
                if text.contains("tmpfs at /run") || text.contains("/run/lock") { runInMemory(evidence) }
                if lower.contains("pid 1"), ["must", "only", "can't", "cannot", "not"].contains(where: lower.contains) {
                    first(evidence)
                }
                if lower.contains("permission denied") || lower.contains("operation not permitted") {
                    denied(text, evidence)
                }
                if lower.contains("already running") || lower.contains("pid file") || lower.contains("pidfile") {
                    stale(evidence)
                }
            }
        }
    }

    private mutating func controlGroup(_ evidence: [String]) {
        note(
            .noControlGroup, "it needs control groups at /sys/fs/cgroup, and has none that it can write to", evidence,
            "--cgroup rw (docker run: --cgroupns=private -v /sys/fs/cgroup:/sys/fs/cgroup:rw)")
    }

    private mutating func runInMemory(_ evidence: [String]) {
        note(
            .noRunInMemory, "it needs file systems in memory at /run and /run/lock, and may not mount them itself",
            evidence,
            "--tmpfs /run --tmpfs /run/lock")
    }

    private mutating func first(_ evidence: [String]) {
        note(
            .insistsOnBeingFirst, "it insists on being PID 1, and is not", evidence,
            "no init in front of it (no --init), and exec in the entrypoint")
    }

    private mutating func denied(_ text: String, _ evidence: [String]) {
        guard let volume = scenario.settings.volumes.first(where: { text.contains($0.path) }) else { return }
        let user = scenario.settings.user ?? .root
        note(
            .volumeDenied, "it may not write to the volume at \(volume.path)",
            evidence + ["it runs as \(user); the volume belongs to 0:0"],
            "chown \(user) \(volume.path) before the user is changed, or another --user")
    }

    private mutating func stale(_ evidence: [String]) {
        let files = seen.lives.first?.files.keys.filter { $0.hasSuffix(".pid") || $0.hasSuffix(".lock") }.sorted() ?? []
        note(
            .stalePIDFile, "a pid file of a former life keeps it from starting",
            evidence + files.map { "\($0) was left by the first start" },
            "remove it at the start of the entrypoint, or --tmpfs where it is")
    }

    // MARK: - What would help

    /// The same with one thing changed: where it lives then, that was the reason.
    private mutating func experiments() throws {
        let settings = scenario.settings
        if diagnoser.profile.name != "none" {
            if try lives(scenario, .none) { first(["without the init in front of it, it stays up"]) }
            if hasReason { return }
        }
        if !settings.hasTerminal, seen.lives.allSatisfy(\.lastWords.isEmpty) {
            var other = scenario
            other.settings.hasTerminal = true
            words(try diagnoser.observe(other, diagnoser.profile), " (with a terminal)")
        }
        if settings.user != nil, !hasReason {
            var other = scenario
            other.settings.user = nil
            if try lives(other, diagnoser.profile) {
                note(
                    .volumeDenied, "it lacks a right as \(settings.user ?? .root)", ["as root it stays up"],
                    "the files that it needs, owned by this user")
            }
        }
        var cured = scenario
        if settings.cgroup == nil || settings.cgroup == ContainerSettings.CgroupAccess.none {
            cured.settings.cgroup = .readWrite
            if try lives(cured, diagnoser.profile) {
                return controlGroup(["with /sys/fs/cgroup to write to, and nothing else changed, it stays up"])
            }
        }
        let missing = ["/run", "/run/lock"].filter { !settings.tmpfs.contains($0) }
        if !missing.isEmpty {
            var other = scenario
            other.settings.tmpfs += missing
            cured.settings.tmpfs += missing
            if try lives(other, diagnoser.profile) {
                return runInMemory([
                    "with \(missing.joined(separator: " and ")) in memory, and nothing else changed, it stays up"
                ])
            }
            if try lives(cured, diagnoser.profile) {
                controlGroup(["with both /sys/fs/cgroup and \(missing.joined(separator: " and ")), it stays up"])
                runInMemory(["with both /sys/fs/cgroup and \(missing.joined(separator: " and ")), it stays up"])
            }
        }
    }

    private func lives(_ other: Scenario, _ profile: InitProfile) throws -> Bool {
        // Clearly longer than any life that was seen.
        let longest = seen.lives.compactMap { $0.end?.after }.max() ?? .zero
        let short = Diagnoser(
            other, profile, in: diagnoser.session, starts: 1, lasting: min(diagnoser.lasting, longest * 2 + .seconds(1))
        )
        return try short.observe(other, profile).isStable
    }

    // MARK: - How it ends

    /// Later lives are shorter, and the first has left a pid file.
    private mutating func staleFile() {
        guard seen.lives.count >= 2, let first = seen.lives.first?.end, let second = seen.lives[1].end else { return }
        let files = seen.lives[0].files.keys.filter { $0.hasSuffix(".pid") || $0.hasSuffix(".lock") }
        guard !files.isEmpty, first.status != second.status || second.after * 4 < first.after else { return }
        stale([
            "the first start lasted \(first.after.rounded) (\(first.status)), the second \(second.after.rounded) (\(second.status))"
        ])
    }

    private mutating func end() {
        guard let life = seen.lives.last(where: { $0.end != nil }), let end = life.end else { return }
        let evidence = seen.lives.enumerated().map { "start \($0.offset + 1): \(Diagnosis.words($0.element))" }
        switch end.status {
        case .exited(0):
            note(
                .endsByItself, "it ends by itself with status 0: its work is done, or it has gone into the background",
                evidence,
                "the daemon in the foreground; or a restart policy that takes 0 for success (on-failure)")
        case .signaled(let signal, _):
            note(
                .crashes, "PID 1 dies of \(signal)", evidence,
                "a core file, or a debugger: it is the program's own fault")
        case .exited(let code) where code > 128:
            note(
                .crashes, "its program dies of \(Signal(rawValue: code - 128)) (status \(code))", evidence,
                "a core file, or a debugger: it is the program's own fault")
        case .exited(let code):
            if life.programs.count > 1, let last = life.programs.last, end.after - last.after < .seconds(1) {
                note(
                    .diesAfterExec,
                    "PID 1 becomes \(last.path), which ends \((end.after - last.after).rounded) later with status \(code)",
                    evidence,
                    "what \(last.path) needs; its own log, or -t for what it says to a terminal")
            } else {
                note(.fails, "it ends with status \(code)", evidence, "its last words say more than this tool can")
            }
        }
    }
}
