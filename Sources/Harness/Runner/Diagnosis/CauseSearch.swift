import Journal
import Kernel
import Model
import Reports
import Sandbox
import Vocabulary

/// Looks for the reasons of what was observed.
///
/// First what the kernel and the files show by themselves; then experiments, which change one thing each and are made side by side;
/// what remains is possible, and said to be no more.
struct CauseSearch {
    let diagnoser: Diagnoser
    let seen: Diagnoser.Observation
    let image: Image
    var findings: [Diagnosis.Finding] = []
    /// Experiments that this machine cannot make, and why.
    var notTried: [String] = []

    init(_ diagnoser: Diagnoser, _ seen: Diagnoser.Observation) {
        self.diagnoser = diagnoser
        self.seen = seen
        image = Image(diagnoser.scenario)
    }

    var scenario: Scenario { diagnoser.scenario }
    var session: Session { diagnoser.session }
    var command: [String] { if case .command(let words)? = scenario.settings.payload { words } else { [] } }

    mutating func find() throws -> [Diagnosis.Finding] {
        if seen.isStable {
            try findInStable()
        } else {
            try findInUnstable()
        }
        return findings
    }

    mutating func note(
        _ cause: Diagnosis.Cause, _ what: String, _ evidence: [String], _ remedy: String,
        certainty: Diagnosis.Certainty = .shown
    ) {
        let known = findings.firstIndex { $0.cause == cause }
        if let known, findings[known].certainty == .shown || certainty == .possible { return }
        // What is shown takes the place of what was only possible.
        if let known { findings.remove(at: known) }
        findings.append(
            Diagnosis.Finding(cause: cause, certainty: certainty, what: what, evidence: evidence, remedy: remedy))
    }

    /// Whether something shown tells why it ends.
    var hasReason: Bool { findings.contains { $0.certainty == .shown } }

    func lifeWords(_ life: Diagnosis.Life, _ count: Int = 6) -> [String] {
        life.lastWords.suffix(count).map { "it printed: \(Spelling.quoted(String($0.prefix(200))))" }
    }

    // MARK: - What does not stay up

    mutating func findInUnstable() throws {
        hiddenProgram()
        if let failure = seen.lives.last?.startFailure { notStarted(failure) }
        neverExecuted()
        for life in seen.lives { kernelFacts(life) }
        if !hasReason { try experiments() }
        if !hasReason { end() }
        initialisation()
    }

    /// A program, or a script that it is given, that is there in the image, and hidden in the container.
    mutating func hiddenProgram() {
        for word in command where word.hasPrefix("/") {
            guard let mount = image.mount(hiding: word), image.has(word) else { continue }
            note(
                .hiddenByMount, "\(mount) hides \(word), which the image has", ["\(word) is there without the mount"],
                "another place for the mount, or for \(word)")
        }
    }

    /// The runtime has not found the program, or may not execute it.
    mutating func notStarted(_ failure: (stage: String, code: Int)) {
        if hasReason { return }
        let program = command.first ?? ""
        let evidence = ["\(failure.stage), status \(failure.code)"]
        guard image.path(ofProgram: program) != nil else {
            return note(
                .notFound, "there is no \(program)", evidence,
                "the right path, or a PATH in which it is; is it in the image?")
        }
        if image.isDirectory(program) {
            return note(.notExecutable, "\(program) is a directory", evidence, "the path of a program in it")
        }
        note(
            .notExecutable, "\(program) may not be executed", evidence,
            "chmod +x \(program); as another user: the directories that lead to it")
    }

    /// PID 1 was started, and the kernel would not execute its program: what it is shows why.
    mutating func neverExecuted() {
        guard let life = seen.lives.last(where: { $0.end != nil }), life.programs.isEmpty,
            diagnoser.session.witness.seesSignals, let program = command.first, diagnoser.profile.name == "none"
        else { return }
        let path = image.path(ofProgram: program) ?? program
        let evidence = ["PID 1 was started, and never executed a program"] + lifeWords(life, 1)
        guard let bytes = image.bytes(of: path), let problem = ExecProblem(of: bytes, in: image) else {
            return note(
                .notExecutable, "the kernel does not execute \(path)", evidence,
                "its permissions, and those of its interpreter; no noexec mount")
        }
        note(problem, path, evidence)
    }

    mutating func note(_ problem: ExecProblem, _ path: String, _ evidence: [String]) {
        switch problem {
        case .carriageReturn(let line):
            note(
                .carriageReturn,
                "the first line of \(path) ends with a carriage return, which the kernel takes for a part of the interpreter's name",
                evidence + ["its first line: \(line)"], "line ends without it: sed -i 's/\\r$//' \(path)")
        case .missingInterpreter(let interpreter, let line):
            note(
                .missingInterpreter, "the interpreter of \(path), \(interpreter), is not there",
                evidence + ["its first line: \(line)"], "install \(interpreter), or name one that is there")
        case .missingLoader(let loader):
            note(
                .missingInterpreter, "the loader that \(path) names, \(loader), is not there", evidence,
                "a program for this image's C library, or a static one")
        case .otherProcessor:
            note(
                .noProgram, "\(path) is a program for another processor", evidence,
                "an image for this processor (docker pull --platform)")
        case .noFirstLine:
            note(
                .noProgram, "\(path) is no program, and has no first line that names an interpreter", evidence,
                "#!/bin/sh as its first line")
        }
    }

    /// What the kernel did to it, or what was left of it.
    mutating func kernelFacts(_ life: Diagnosis.Life) {
        if life.outOfMemoryKills > 0 {
            let limit = scenario.settings.memoryLimit.map(Spelling.size) ?? "its limit"
            note(
                .outOfMemory,
                "the kernel killed \(life.outOfMemoryKills == 1 ? "a process" : "processes") of it for want of memory",
                ["its memory cgroup counts \(life.outOfMemoryKills) killed at the limit of \(limit)"]
                    + lifeWords(life, 2),
                "a higher --memory, or a smaller configuration",
                certainty: life.end.map { $0.status.isEnd(by: .kill) } ?? true ? .shown : .possible)
        }
        crashes(life, "")
        guard case .exited(0)? = life.end?.status, !life.killedWithIt.isEmpty else { return }
        // A job that a shell has left running, or a helper, is no daemon, or not for certain.
        let isDaemon = life.hasOrphanedDaemon || life.hasForkedDaemon && !isShell(life.programs.last?.path)
        let names = life.killedWithIt.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        note(
            .goesIntoBackground,
            "PID 1 ended with status 0, and \(names.joined(separator: ", ")) still ran: what was left in the background died with PID 1",
            ["the kernel killed \(life.killedWithIt.count) because PID 1 ended"] + lifeWords(life, 2),
            "the program in the foreground (a 'daemon off', '--foreground' or '-DFOREGROUND' of its own), as PID 1 or by exec",
            certainty: isDaemon ? .shown : .possible)
    }

    /// Whether a program is a shell, or a script of one.
    func isShell(_ path: String?) -> Bool {
        guard let path else { return false }
        if CauseSearch.shells.contains(path.split(separator: "/").last.map(String.init) ?? path) { return true }
        guard let bytes = image.bytes(of: path), bytes.starts(with: Array("#!".utf8)) else { return false }
        let line = String(decoding: bytes.prefix { $0 != 0x0A }.dropFirst(2), as: UTF8.self)
        return line.split { $0 == "/" || $0.isWhitespace }.contains { CauseSearch.shells.contains(String($0)) }
    }

    mutating func crashes(_ life: Diagnosis.Life, _ remark: String) {
        guard let crash = life.crashes.first else { return }
        let same = life.crashes.count { $0.program == crash.program && $0.signal == crash.signal }
        let times = same > 1 ? ", \(same) times" : ""
        note(
            .crashes, "\(crash.program) dies of \(crash.signal)\(times)\(remark)",
            life.crashes.prefix(4).map { "\($0.program): \($0.signal), \($0.after.rounded) after the start" }
                + lifeWords(life, 2),
            "a core file, or a debugger: it is the program's own fault",
            certainty: life.end.map { $0.status.isEnd(by: crash.signal) || life.lastCrash == crash.signal } ?? true
                ? .shown : .possible)
    }

    // MARK: - What is done at every start

    /// Where files are written at every start by design: configuration, what is of one life, logs.
    static func isVolatile(_ path: String) -> Bool {
        ["/etc/", "/run/", "/var/run/", "/tmp/", "/var/tmp/", "/var/log/", "/var/cache/", "/dev/", "/usr/local/etc/"]
            .contains(where: path.hasPrefix)
            || [".log", ".pid", ".lock", ".lck", ".sock", ".conf"].contains { path.hasSuffix($0) }
    }

    /// When the entrypoint handed over to the program that it prepares for, in nanoseconds since 1970; nil: it has not.
    func handOver(_ life: Diagnosis.Life) -> Int64? {
        isShell(life.programs.last?.path) ? nil : life.lastExec
    }

    /// Files that a life has written before that: the entrypoint's work.
    func work(of life: Diagnosis.Life) -> [String: Int64] {
        let handOver = handOver(life)
        let given = Set(scenario.settings.files.map(\.path))
        return life.files.filter { file in
            !CauseSearch.isVolatile(file.key) && !given.contains(file.key) && file.value >= life.start
                && (handOver.map { file.value < $0 } ?? true)
        }
    }

    mutating func initialisation() {
        let ended = seen.lives.filter { $0.end != nil }
        guard ended.count >= 2 else { return }
        var again = Set(work(of: ended[0]).keys)
        for (former, life) in zip(ended, ended.dropFirst()) {
            let own = work(of: life)
            again = again.filter { path in
                guard let old = former.files[path], let new = own[path] else { return false }
                return new > old
            }
        }
        guard !again.isEmpty else { return }
        noteWorkAgain(again.sorted(), ended.count)
    }

    /// Work that is done again, told beside what is done only once: where there is such, a marker is heeded, and what is written
    /// again may be meant to be. Where it stays up, only much of it is worth a word.
    mutating func noteWorkAgain(_ paths: [String], _ count: Int) {
        let once = Set(seen.lives.flatMap { work(of: $0).keys }).subtracting(paths)
        if seen.isStable, !once.isEmpty || paths.count < CauseSearch.manyFiles { return }
        var evidence = paths.prefix(5).map { "\($0) was written in each of \(count) starts" }
        if paths.count > 5 { evidence.append("and \(paths.count - 5) more") }
        evidence.append(
            once.isEmpty
                ? "no file in the layer or on a volume was written once and then looked for: there is no marker, or it is where it does not persist"
                : "written once: \(once.sorted().prefix(3).joined(separator: ", "))\(once.count > 3 ? ", and \(once.count - 3) more" : "")"
        )
        note(
            .initialisesEveryTime, "the same files are written again at every start", evidence,
            "a marker on a volume: checked first, written last, with a temporary file and mv",
            certainty: seen.isStable || !once.isEmpty ? .possible : .shown)
    }

    /// A container that stays up may write some files at each start by design.
    static let manyFiles = 3
}

extension ExitStatus {
    /// Whether a signal has ended it, or a shell whose command it ended.
    fileprivate func isEnd(by signal: Signal) -> Bool {
        switch self {
        case .signaled(signal, _), .exited(128 + signal.rawValue): true
        default: false
        }
    }
}
