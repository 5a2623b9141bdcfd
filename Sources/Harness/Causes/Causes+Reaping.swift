import Expectations
import Journal
import Model
import Vocabulary

/// How PID 1 waits for its children, and for the orphans that it is handed.
extension Cause {
    /// A zombie that is there for longer than this has not been noticed: a reaper that hears SIGCHLD takes microseconds.
    package static let unnoticed = Duration.milliseconds(400)

    static let leavingZombies: [Cause] = [
        neverWaits, reapsNothing, reapsOwnChildrenOnly, waitsOncePerSigchld, reapsLate,
    ]

    static let ofReaping: [Cause] = [ignoresSigchld] + leavingZombies + [endsOfAnUnknownChild, takesAnyChildForItsOwn]

    private static let neverWaits = Cause(
        "never-waits",
        "PID 1 never waits for a process: its children and the orphans that it is handed stay zombies for as long as it runs",
        remedy: "an init in front (--init), or a loop around waitpid(-1, &status, WNOHANG) on each SIGCHLD"
    ) { life, _ in
        guard !life.hasWaitedAsWhatItIs else { return nil }
        return life.zombies(atLeast: unnoticed).prefix(4).compactMap(life.event(ofEnd:))
    }

    private static let ignoresSigchld = Cause(
        "ignores-sigchld",
        "PID 1 goes on ignoring SIGCHLD as it was started: the kernel reaps its children for it, and it never learns of their ends",
        remedy: "SIGCHLD back to SIG_DFL before the first fork (signal(2))"
    ) { life, observation in
        guard observation.scenario.settings.ignoredSignals.contains(.chld), life.childSignals.isEmpty else {
            return nil
        }
        let vanished = life.children.filter { child in
            life.process(child).goneAt.map { $0 < life.end?.at ?? life.watchedUntil } ?? false
        }
        return vanished.compactMap(life.event(ofEnd:))
    }

    private static let reapsNothing = Cause(
        "reaps-nothing", remedy: "waitpid(-1, &status, WNOHANG) on each SIGCHLD, until there is nobody left"
    ) {
        observations in
        guard leavesOwnChildToo(observations) else { return nil }
        let proofs = leftUnreaped(observations, ownToo: true)
        return proofs.isEmpty
            ? nil : Found(sentence: "PID 1 reaps nobody: not even its own child's status is taken", proofs: proofs)
    }

    private static let reapsOwnChildrenOnly = Cause(
        "reaps-own-children-only", remedy: "wait for any child (waitpid(-1, …)), not for those that it has started"
    ) { observations in
        guard !leavesOwnChildToo(observations) else { return nil }
        let proofs = leftUnreaped(observations)
        return proofs.isEmpty
            ? nil
            : Found(
                sentence:
                    "PID 1 waits for its own children alone: the orphans that it is handed stay zombies, or are killed with it",
                proofs: proofs)
    }

    /// No status was ever taken, though a child of PID 1's own had ended: where none has, nothing is known of those.
    private static func leavesOwnChildToo(_ observations: [Observation]) -> Bool {
        let lives = observations.flatMap(\.lives)
        return !lives.contains(where: \.hasTakenStatus) && lives.contains(where: \.hasLostOwnChild)
    }

    /// The runs in which PID 1 left zombies, or orphans that it did not wait for, and waited for nobody but its own children.
    private static func leftUnreaped(_ observations: [Observation], ownToo: Bool = false) -> [Int: [Event]] {
        var proofs: [Int: [Event]] = [:]
        for (place, observation) in observations.enumerated() {
            for life in observation.lives where life.namesWhomItWaitsFor {
                let zombies = life.zombies(atLeast: unnoticed).compactMap(life.event(ofEnd:))
                let killed =
                    life.endedItself ? life.killedByEnd.filter { $0.target.map(life.orphans.contains) == true } : []
                let own = ownToo && life.endedItself ? life.children.compactMap(life.event(ofEnd:)) : []
                let events = zombies.prefix(4) + own.prefix(2) + killed.prefix(2).map(\.event)
                if !events.isEmpty { proofs[place] = Array(events) }
            }
        }
        return proofs
    }

    private static let waitsOncePerSigchld = Cause(
        "waits-once-per-sigchld", remedy: "wait in a loop until there is nobody left: signals of one number merge"
    ) {
        observations in
        var proofs: [Int: [Event]] = [:]
        var most = (ended: 0, signals: 0)
        for (place, observation) in observations.enumerated() {
            for life in observation.lives {
                let signals = life.childSignals
                let merged = signals.filter { $0.fate == .alreadyPending }
                let zombies = life.zombies(atLeast: unnoticed)
                guard !merged.isEmpty, !zombies.isEmpty, life.heedsLastChildSignal else { continue }
                proofs[place] =
                    Array(merged.prefix(3).map(\.event)) + zombies.prefix(3).compactMap(life.event(ofEnd:))
                let queued = signals.count { $0.fate.hasArrived }
                if signals.count > most.ended { most = (signals.count, queued) }
            }
        }
        if proofs.isEmpty { return nil }
        return Found(
            sentence:
                "PID 1 waits once for each SIGCHLD: of \(most.ended) ends \(most.signals) were signalled, and the rest stayed zombies",
            proofs: proofs)
    }

    private static let reapsLate = Cause(
        "reaps-late", remedy: "wait on each SIGCHLD (sigwaitinfo, signalfd or a handler), not now and then"
    ) {
        observations in
        var proofs: [Int: [Event]] = [:]
        var longest = Duration.zero
        for (place, observation) in observations.enumerated() {
            for life in observation.lives
            where !life.wasFrozen && life.takesAnyChild && life.childSignals.contains(where: { $0.fate.hasArrived }) {
                let zombies = life.zombies(atLeast: unnoticed)
                guard !zombies.isEmpty,
                    !life.heedsLastChildSignal || !zombies.contains(where: { wasMerged($0, in: life) }),
                    !life.isBusyStopping
                else { continue }
                proofs[place] = zombies.prefix(4).compactMap(life.event(ofEnd:))
                for zombie in zombies {
                    guard let exit = life.process(zombie).exitedAt else { continue }
                    let gone = min(life.process(zombie).goneAt ?? .distantFuture, life.end?.at ?? life.watchedUntil)
                    longest = max(longest, gone.duration(since: exit))
                }
            }
        }
        if proofs.isEmpty { return nil }
        return Found(
            sentence:
                "PID 1 reaps late: a child that had ended was left a zombie for \(longest.rounded), though SIGCHLD had come",
            proofs: proofs)
    }

    private static let endsOfAnUnknownChild = inTwoWays(
        "ends-of-an-unknown-child", "PID 1 ends when a process ends that it has not started",
        remedy: "reap any process that ends, and go on unless it is its own child",
        shown: { life in
            guard let (orphan, end) = life.orphanThatEndsIt, life.sent(to: life.mainChild ?? -1).isEmpty else {
                return nil
            }
            return [life.event(ofEnd: orphan), life.event(ofEnd: life.root), end].compactMap(\.self)
        },
        fits: { life, own, end, orphan in
            end.code != 0 && life.statusCode(of: orphan) != end.code && own != end.code && end.code != own - 128
                && end.code != 1
        })

    private static let takesAnyChildForItsOwn = inTwoWays(
        "takes-any-child-for-its-own",
        "PID 1 takes the end of an orphan for that of its own child: it stops though nobody has asked it to, or ends with the wrong status",
        remedy: "compare what wait returns with the child's number",
        shown: { life in
            guard let (orphan, end) = life.orphanThatEndsIt, let child = life.mainChild,
                let signal = life.sent(to: child).first
            else { return nil }
            return [life.event(ofEnd: orphan), signal.event, end].compactMap(\.self)
        },
        fits: { life, own, end, orphan in own != end.code && life.statusCode(of: orphan) ?? 0 == end.code })

    /// A cause that the order of ends shows, and that a status only fits: where it is shown in one run, it is taken for the reason in the others.
    private static func inTwoWays(
        _ id: String, _ sentence: String, remedy: String, shown: @escaping @Sendable (Life) -> [Event]?,
        fits: @escaping @Sendable (Life, _ own: Int, _ end: (code: Int, event: Event), _ orphan: Int) -> Bool
    ) -> Cause {
        Cause(id, remedy: remedy) { observations in
            var proofs: [Int: [Event]] = [:]
            for (place, observation) in observations.enumerated() {
                if let events = observation.lives.lazy.compactMap(shown).first, !events.isEmpty {
                    proofs[place] = events
                }
            }
            if proofs.isEmpty { return nil }
            for (place, observation) in observations.enumerated() where proofs[place] == nil {
                for life in observation.lives {
                    guard let end = life.end, let orphan = life.orphanThatEndedLast, let child = life.mainChild,
                        let own = life.statusCode(of: child) ?? observation.expectedCode,
                        fits(life, own, (end.code, end.event), orphan)
                    else { continue }
                    proofs[place] = [life.event(ofEnd: orphan), end.event].compactMap(\.self)
                }
            }
            return Found(sentence: sentence, proofs: proofs)
        }
    }

    /// The SIGCHLD about a process was made one with another that waited already.
    private static func wasMerged(_ index: Int, in life: Life) -> Bool {
        guard let exit = life.process(index).exitedAt else { return false }
        return life.childSignals.contains { $0.fate == .alreadyPending && $0.sender == index && $0.at >= exit }
    }
}

extension Life {
    /// PID 1 has asked for the status of processes, each by its number, and of no other.
    fileprivate var namesWhomItWaitsFor: Bool {
        let waits = waits
        return !waits.isEmpty && waits.allSatisfy { $0.target != nil }
    }

    /// PID 1 has waited since it became the program that it is: a shell that has handed over with exec does not count.
    fileprivate var hasWaitedAsWhatItIs: Bool {
        let last = events.last { event in
            if case .kernel(.executed(process(root).pid, _)) = event.kind { true } else { false }
        }
        let since = last?.instant ?? began
        return waits.contains { $0.at >= since }
    }

    /// PID 1 has taken the status of some process.
    fileprivate var hasTakenStatus: Bool {
        let pid = process(root).pid
        return events.contains {
            $0.kind == .kernel(.waitEnded(by: pid, .child)) || $0.kind == .kernel(.waitEnded(by: pid, .perhaps))
        }
    }

    /// A child that PID 1 has started itself ended while PID 1 ran.
    fileprivate var hasLostOwnChild: Bool {
        let horizon = end?.at ?? watchedUntil
        return children.contains { process($0).exitedAt.map { $0 < horizon } ?? false }
    }

    /// PID 1 waits for any child.
    fileprivate var takesAnyChild: Bool { waits.contains { $0.target == nil && $0.hasReturned } }

    /// PID 1 waited after the last SIGCHLD that it was sent.
    fileprivate var heedsLastChildSignal: Bool {
        guard let last = childSignals.last(where: { $0.fate.hasArrived }) else { return false }
        return waits.contains { $0.at >= last.at && $0.at.duration(since: last.at) < .milliseconds(300) }
    }

    /// PID 1 was stopped, or the container paused: it could not do anything meanwhile.
    fileprivate var wasFrozen: Bool {
        signals.contains { $0.target == root && $0.signal == .stop } || events.contains { $0.kind == .runtime(.paused) }
    }

    /// It is stopping something, which may take its attention.
    fileprivate var isBusyStopping: Bool { stopRequest != nil && services.count > 1 }

    /// Of the orphans that ended within half a second before PID 1 did, by itself, the last.
    fileprivate var orphanThatEndedLast: Int? {
        guard let end, endedItself else { return nil }
        let ended = orphans.filter { orphan in
            process(orphan).exitedAt.map { $0 < end.at && end.at.duration(since: $0) < .milliseconds(500) } ?? false
        }
        return ended.max { lastSeen($0) < lastSeen($1) }
    }

    /// A daemon that a service has left in its place is PID 1's business.
    private func isNoService(_ index: Int) -> Bool { process(index).name.map { $0.contains(".") } ?? true }

    private func lastSeen(_ index: Int) -> MonotonicInstant { process(index).exitedAt ?? watchedUntil }

    /// An orphan whose end PID 1 has answered with its own, or by beginning to stop, though nothing else asked for that and its own
    /// child ran; and the end, if it came.
    fileprivate var orphanThatEndsIt: (orphan: Int, end: Event?)? {
        guard let child = mainChild else { return nil }
        for orphan in orphans {
            guard let exit = process(orphan).exitedAt, runs(child, at: exit), stopRequest.map({ $0.at > exit }) ?? true
            else { continue }
            let answer = sent(to: child).first { $0.at > exit }?.at ?? end?.at
            guard let answer, answer >= exit, answer.duration(since: exit) < .milliseconds(500),
                runs(child, at: answer),
                endedItself || !sent(to: child).isEmpty, isNoService(orphan),
                stopRequest.map({ $0.at > answer }) ?? true,
                received.allSatisfy({ $0.at < exit || $0.at > answer })
            else { continue }
            return (orphan, end?.event)
        }
        return nil
    }
}
