import Causes
import Expectations
import Journal
import Kernel
import Model
import Reports
import Sandbox
import Vocabulary

/// What is wrong with a container that stays up: what it lost, how it stops, how it starts again.
extension CauseSearch {
    mutating func findInStable() throws {
        let last = seen.lives.last ?? Diagnosis.Life()
        stuck(last)
        crashes(last, ", and the container stays up")
        if let second = seen.second { crashes(second, " after it was started again") }
        if let lost = last.lost.first, !findings.contains(where: { $0.cause == .crashes }) {
            note(
                .halfDead, "\(lost), and has ended, while the rest goes on; nothing was started in its place",
                lifeWords(last, 3),
                "an end of the container when one of its programs ends, or an init that starts it again",
                certainty: .possible)
        }
        if seen.lives.count > 1, let first = seen.lives.first, let end = first.end, end.status != .exited(0) {
            note(
                .firstStartFails,
                "start 1 \(end.status), and start \(seen.lives.count) stays up: what the first had begun may be half done",
                lifeWords(first), "what the first start says itself; a marker that is written last",
                certainty: .possible)
        }
        stopping()
        reaping()
        try secondStart(last)
        try marker(last)
    }

    /// PID 1 is still the entrypoint, and what it was to start has never been executed.
    mutating func stuck(_ life: Diagnosis.Life) {
        guard diagnoser.session.witness.seesSignals, let first = command.first,
            let wanted = diagnoser.commandOfEntrypoint,
            !life.executed.contains(where: { $0 == wanted || $0.hasPrefix(wanted) })
        else { return }
        note(
            .stuck, "\(first) has not come to its command: \(wanted) was never executed, and nothing new happens",
            ["PID 1 is still \(life.programs.last?.path ?? first)"] + lifeWords(life, 4),
            "what \(first) waits for; a limit to its waiting, with a message")
    }

    /// Zombies, and why PID 1 leaves them: by the table that failed scenarios are read with, too.
    mutating func reaping() {
        let view = JournalView(seen.journal)
        let end = seen.journal.events.last { $0.kind == .runtime(.removed) } ?? seen.journal.events.last
        for found in Cause.causes(of: [FailedRun(scenario, seen.journal, [])], in: Cause.ofZombies) {
            let proofs = found.proofs[0] ?? []
            // An orphan that was killed with PID 1 is another matter.
            let hasZombie = proofs.contains { proof in
                guard case .kernel(.exited(let pid)) = proof.kind, let end,
                    let index = view.index(of: pid, at: proof.instant)
                else { return false }
                let gone = view.tree.processes[index].goneAt ?? end.instant
                return gone.duration(since: proof.instant) >= Cause.unnoticed
            }
            guard hasZombie, let cause = Diagnosis.Cause(rawValue: found.cause.id) else { continue }
            note(cause, found.sentence, proofs.prefix(6).map { view.line($0).withoutMargin }, found.cause.remedy)
        }
    }

    mutating func stopping() {
        guard let stop = seen.stop else { return }
        let evidence = Diagnosis.words(stop)
        guard stop.wasKilled else {
            if let (program, parent) = stop.unheard.first {
                note(
                    .notPassedOn,
                    "\(program) has a handler for \(stop.signal), and is killed without being told: \(parent), which ran it, died of the signal",
                    evidence,
                    "exec in \(parent), so that the init tells \(program) itself; or an init that tells the group (tini -g)"
                )
            }
            return
        }
        if stop.deafness != nil {
            let program = seen.lives.last?.programs.last?.path ?? ""
            let isScript =
                CauseSearch.shells.contains(program.split(separator: "/").last.map(String.init) ?? "")
                || image.bytes(of: program)?.starts(with: [0x23, 0x21]) == true
            let isAfterScript = isScript && seen.lives.last.map { $0.executed.count > 1 } == true
            return note(
                .deafToStopSignal,
                "PID 1 does not hear \(stop.signal): a stop takes the whole grace period, and ends with SIGKILL",
                evidence,
                isAfterScript
                    ? "exec in the entrypoint, so that the program is PID 1; an init (--init) ends the script, not what it runs"
                    : stop.deafness?.contains("ignores") == true && stop.deafness?.contains("no handler") != true
                        ? "--stop-signal with a signal that it ends on, or a handler in it"
                        : "an init in front (--init), or a handler (a trap)")
        }
        let isPassedOn = stop.told.count > 1
        if !stop.ignoring.isEmpty {
            return note(
                .outlivesGracePeriod,
                "\(stop.ignoring.joined(separator: ", ")) ignores \(stop.signal), and was still running when the grace period of \(stop.grace.text) was over",
                evidence, "--stop-signal with a signal that it ends on, or a handler in it")
        }
        note(
            .outlivesGracePeriod,
            "PID 1 heard \(stop.signal), and was still running when the grace period of \(stop.grace.text) was over",
            evidence,
            isPassedOn || stop.neverTold.isEmpty
                ? "a longer --stop-timeout, or an orderly end that takes less"
                : "to pass the signal on, and to wait for no more than it takes")
    }

    /// What a stop and a start show.
    mutating func secondStart(_ first: Diagnosis.Life) throws {
        guard let second = seen.second else { return }
        if let end = second.end {
            var changed = seen
            changed.lives = [first, second]
            let hypotheses = Hypothesis.all(for: scenario, diagnoser.profile, changed).filter {
                $0.cause == .stalePIDFile
            }
            for hypothesis in hypotheses {
                var (scenario, profile) = (self.scenario, diagnoser.profile)
                hypothesis.apply(&scenario, &profile)
                let observation = try diagnoser.observe(scenario, profile, .stopping)
                if let again = observation.second, again.end == nil {
                    return note(
                        .stalePIDFile, hypothesis.what,
                        ["after a stop it \(end.status) in \(end.after.rounded)"] + lifeWords(second, 2)
                            + ["\(hypothesis.change), it starts again"], hypothesis.remedy)
                }
            }
            return note(
                .doesNotStartAgain, "after a stop it is started again, and \(end.status) in \(end.after.rounded)",
                lifeWords(second), "an entrypoint that finds what an earlier life has left; a marker on a volume")
        }
        guard handOver(first) != nil else { return }
        let again = work(of: first).filter { file in (work(of: second)[file.key] ?? 0) > file.value }
        if !again.isEmpty { noteWorkAgain(again.keys.sorted(), 2) }
    }

    /// Names that a marker has as a rule; they only say which files are tried.
    private static let markerNames = [
        "init", "done", "install", "setup", "configured", "marker", "complete", "bootstrap", "provision", "first",
        "ready",
    ]

    static func isNamedAsMarker(_ path: String) -> Bool {
        let name = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
        return markerNames.contains(where: name.contains)
    }

    /// How much earlier than the rest of the work a marker must be written to be tried.
    static let lead = Int64(20_000_000)

    /// A marker that is there before the work is: a kill in between leaves it undone for ever.
    mutating func marker(_ life: Diagnosis.Life) throws {
        let own = work(of: life)
        let candidates = own.filter { CauseSearch.isNamedAsMarker($0.key) }
        for candidate in candidates.sorted(by: { $0.value < $1.value }).prefix(2) {
            let later = own.filter { $0.value > candidate.value + CauseSearch.lead }.keys
            guard !later.isEmpty,
                let files = try diagnoser.filesAfterKill(when: candidate.key, watching: diagnoser.lasting)
            else { continue }
            let missing = later.filter { files[$0] == nil }.sorted()
            guard !missing.isEmpty else { continue }
            return note(
                .markerFirst, "\(candidate.key) is written before the work is done",
                [
                    "killed right after \(candidate.key) was there, and started again, it did not write \(missing.prefix(3).joined(separator: ", "))"
                ], "the marker last, with a temporary file and mv")
        }
    }
}

extension String {
    /// Without the blanks that put it in a column.
    fileprivate var withoutMargin: String { String(drop { $0 == " " }) }
}
