import Expectations
import Journal
import Model
import Vocabulary

/// What PID 1 does with the signals that it is sent.
extension Cause {
    static let ofSignals: [Cause] = [
        hasNoHandler, ignoresStopSignal, passesSigchldOn, passesOnAnotherSignal, killsOnSecondSignal,
        passesOnToTheGroupToo, passesOnTwice,
        signalsTheChildOnly, blocksSignalsInChildren, passesNothingOn, losesSignalsDuringStart, dropsSecondSignal,
        dropsRealTimeSignals, passesOnSomeSignalsOnly,
    ]

    private static let hasNoHandler = Cause(
        "has-no-handler",
        remedy: "a handler, sigwait or signalfd for each of them: for PID 1 the kernel has no default action"
    ) { observations in
        var proofs: [Int: [Event]] = [:]
        var dropped: Set<Signal> = []
        for (place, observation) in observations.enumerated() {
            for life in observation.lives {
                let own = life.signals.filter {
                    $0.fate == .ignored && life.wouldHaveEndedPID1($0) && !life.ignores($0)
                }
                if own.isEmpty { continue }
                proofs[place, default: []] += own.prefix(3).map(\.event)
                dropped.formUnion(own.map(\.signal))
            }
        }
        if proofs.isEmpty { return nil }
        // One that came while it blocked all signals for a moment was queued, and dropped later.
        for (place, observation) in observations.enumerated() where proofs[place] == nil {
            for life in observation.lives where life.sent.isEmpty {
                guard let over = life.graceExpired else { continue }
                let untaken = life.received.filter { dropped.contains($0.signal) && $0.at < over.instant }
                if !untaken.isEmpty { proofs[place] = untaken.map(\.event) + [over] }
            }
        }
        // What is heard at another time had no handler yet.
        let never = dropped.subtracting(observations.flatMap { $0.lives.flatMap(\.heardSignals) })
        return Found(
            sentence: never.isEmpty
                ? "PID 1 had no handler for \(names(dropped)) yet when it came: the kernel drops what has none"
                : "PID 1 has no handler for \(names(never)): the kernel drops what has none", proofs: proofs)
    }

    private static let ignoresStopSignal = Cause(
        "ignores-the-stop-signal",
        "PID 1 ignores the stop signal (SIG_IGN): every stop takes the whole grace period, and ends with SIGKILL",
        remedy: "another stop signal (STOPSIGNAL, --stop-signal), or a handler in its place"
    ) { life, _ in
        life.signals.filter { $0.fate == .ignored && life.wouldHaveEndedPID1($0) && life.ignores($0) }.map(\.event)
    }

    private static let passesSigchldOn = Cause(
        "passes-sigchld-on", "PID 1 passes SIGCHLD on to its child",
        remedy: "SIGCHLD is PID 1's own: wait, and pass nothing on"
    ) { life, _ in
        life.sent.filter { $0.signal == .chld }.map(\.event)
    }

    private static let passesOnAnotherSignal = Cause(
        "passes-on-another-signal", remedy: "kill(child, the signal that came)"
    ) { observations in
        var proofs: [Int: [Event]] = [:]
        var pairs: Set<[Signal]> = []
        for (place, observation) in observations.enumerated() {
            for life in observation.lives {
                guard let child = life.mainChild, !life.handlesStopItself,
                    !observation.scenario.requirements.contains(.supervision)
                else { continue }
                for came in life.arrived where came.signal != .chld && life.runs(child, at: came.at) {
                    let answer = life.sent(to: child).first { $0.at > came.at }
                    guard let answer, answer.signal != came.signal, answer.signal != .kill,
                        answer.at.duration(since: came.at) < .milliseconds(300),
                        !life.received.contains(where: { $0.signal == answer.signal && $0.at < answer.at })
                    else { continue }
                    proofs[place, default: []] += [came.event, answer.event]
                    pairs.insert([came.signal, answer.signal])
                }
            }
        }
        guard let pair = pairs.min(by: { $0[0] < $1[0] }) else { return nil }
        let came = names(Set(pairs.map { $0[0] }))
        return Found(sentence: "PID 1 passes \(pair[1]) on where \(came) came", proofs: proofs)
    }

    private static let killsOnSecondSignal = Cause(
        "kills-on-second-signal", "a second stop signal makes PID 1 kill everything, within the grace period",
        remedy: "a stop is under way: go on with it, and leave SIGKILL to the runtime"
    ) { life, _ in
        let stops = life.received.filter { life.stopSignals.contains($0.signal) }
        guard let second = stops.dropFirst().first,
            let kill = life.sent.first(where: {
                $0.signal == .kill && $0.at > second.at && $0.at.duration(since: second.at) < .milliseconds(200)
            }), !life.sent.contains(where: { $0.signal == .kill && $0.at < second.at })
        else { return nil }
        return [second.event, kill.event]
    }

    private static let passesOnToTheGroupToo = Cause(
        "passes-on-to-the-group-too",
        "PID 1 passes a signal on to its child, and to the child's process group as well: the child gets it twice",
        remedy: "one kill(2): to the child or to its group"
    ) { life, _ in
        guard let twice = life.passedOnTwice else { return nil }
        // Two signals of which each was passed on as this one are another matter.
        let others = life.received.contains { $0.signal != twice[1].signal && $0.at <= twice[1].at }
        if others { return nil }
        let reachesOthers = life.sent.contains {
            $0.signal == twice[1].signal && $0.target != life.mainChild
                && $0.at.duration(since: twice[0].at) < .milliseconds(100) && $0.at >= twice[0].at
        }
        guard reachesOthers || twice[1].at.duration(since: twice[0].at) < .milliseconds(5) else { return nil }
        return twice.map(\.event)
    }

    private static let passesOnTwice = Cause(
        "passes-on-twice", "PID 1 passes each signal on twice", remedy: "one kill(2) for each signal that comes"
    ) { life, _ in
        guard let twice = life.passedOnTwice, twice[1].at.duration(since: twice[0].at) >= .milliseconds(5) else {
            return nil
        }
        return twice.map(\.event)
    }

    private static let signalsTheChildOnly = Cause(
        "signals-the-child-only", "PID 1 signals its child alone, where the child's process group was to be told",
        remedy: "kill(-group, signal)"
    ) { life, observation in
        guard observation.scenario.requires.contains(.groupForwarding), let child = life.mainChild,
            let told = life.sent(to: child).first(where: { $0.signal != .kill })
        else { return nil }
        let untold = life.others.filter { index in
            index != child && life.process(index).creator != life.root && life.runs(index, at: told.at)
                && life.sent(to: index).isEmpty
        }
        let hasToldOthers = life.sent.contains { $0.signal == told.signal && $0.target != child }
        return untold.isEmpty || hasToldOthers ? nil : [told.event]
    }

    private static let blocksSignalsInChildren = Cause(
        "blocks-signals-in-children",
        remedy: "the mask that it was started with back in the child, before exec (sigprocmask(2))"
    ) { observations in
        var proofs: [Int: [Event]] = [:]
        for (place, observation) in observations.enumerated() where observation.scenario.settings.blockedSignals.isEmpty
        {
            for life in observation.lives {
                guard let child = life.mainChild else { continue }
                let pid = life.process(child).pid
                let shown = life.events.filter { event in
                    switch event.kind {
                    case .kernel(.pending(pid, let signals)): !signals.isEmpty
                    case .printed(let text, _, _): showsBlockedSignals(text)
                    default: false
                    }
                }
                if !shown.isEmpty { proofs[place] = shown }
            }
        }
        if proofs.isEmpty { return nil }
        // A signal that has not been taken fits as well.
        for (place, observation) in observations.enumerated() where proofs[place] == nil {
            let untaken = observation.lives.flatMap(\.untakenSignals)
            if !untaken.isEmpty { proofs[place] = untaken.map(\.event) }
        }
        return Found(
            sentence: "PID 1 starts its children with its own signal mask: what they are sent waits for ever",
            proofs: proofs)
    }

    private static let passesNothingOn = forwarding("passes-nothing-on", "PID 1 takes signals, and passes none on") {
        _, passed in
        passed.isEmpty
    }

    private static let losesSignalsDuringStart = Cause(
        "loses-signals-during-start", "PID 1 loses a stop signal that comes before all its services are ready",
        remedy: "take signals from the first moment on, and stop what has been started"
    ) { life, observation in
        let names = observation.scenario.services.map(\.name)
        guard names.count > 1, let came = life.received.first(where: { life.stopSignals.contains($0.signal) }) else {
            return nil
        }
        let wasStarting = names.contains { name in
            // What has just become ready PID 1 may not have taken note of.
            life.service(name).flatMap { life.process($0).readyAt }.map {
                $0.advanced(by: .milliseconds(50)) > came.at
            } ?? true
        }
        let answer = came.at.advanced(by: .milliseconds(1200))
        guard wasStarting, life.end?.at ?? life.watchedUntil > answer,
            !life.sent.contains(where: { $0.at > came.at && $0.at < answer }),
            life.services.contains(where: { life.runs($0, at: came.at) && life.runs($0, at: answer) })
        else { return nil }
        return [came.event]
    }

    private static let dropsSecondSignal = forwarding(
        "drops-second-signal", "PID 1 passes on only the first signal that comes", remedy: "pass each of them on"
    ) { facts, passed in
        let lost = facts.filter { !$0.wasPassedOn }
        return lost.allSatisfy(\.cameAfterOneThatWasPassedOn) && lost.contains { passed.contains($0.signal) }
    }

    private static let dropsRealTimeSignals = forwarding(
        "drops-real-time-signals", "PID 1 passes no real-time signals on",
        remedy: "signals up to SIGRTMAX: programs that are managed by systemd's rules stop on SIGRTMIN+3"
    ) { facts, passed in
        !passed.isEmpty && facts.allSatisfy { $0.wasPassedOn || $0.signal >= .rtmin }
    }

    private static let passesOnSomeSignalsOnly = forwarding("passes-on-some-signals-only", nil) { _, passed in
        !passed.isEmpty
    }

    /// What became of one signal from outside.
    struct Reception {
        let place: Int
        let event: Event
        let signal: Signal
        let wasPassedOn: Bool
        let cameAfterOneThatWasPassedOn: Bool
    }

    /// A cause that shows only when all that was received is looked at together.
    ///
    /// - Parameters:
    ///   - sentence: nil: it is made of the names of the signals.
    ///   - fits: whether what became of the signals is this.
    private static func forwarding(
        _ id: String, _ sentence: String?, remedy: String = "pass on every signal except SIGCHLD",
        _ fits: @escaping @Sendable ([Reception], _ passed: Set<Signal>) -> Bool
    ) -> Cause {
        Cause(id, remedy: remedy) { observations, habits in
            let facts = receptions(observations)
            let lost = facts.filter { !$0.wasPassedOn }
            let passed = habits.passedOn.union(facts.filter(\.wasPassedOn).map(\.signal))
            guard !lost.isEmpty, fits(facts, passed) else { return nil }
            let left = names(Set(lost.map(\.signal)).subtracting(passed))
            return Found(
                sentence: sentence ?? "PID 1 passes on only \(names(passed)), and not \(left)",
                proofs: Dictionary(grouping: lost, by: \.place).mapValues { $0.prefix(4).map(\.event) })
        }
    }

    private static func receptions(_ observations: [Observation]) -> [Reception] {
        var result: [Reception] = []
        for (place, observation) in observations.enumerated() {
            for life in observation.lives
            where !life.handlesStopItself && !observation.scenario.requirements.contains(.supervision) {
                var hasPassedOn = false
                let received = life.received.filter { $0.signal != .chld }
                for (number, came) in received.enumerated() {
                    // What is to be told must be there.
                    guard life.children.contains(where: { life.runs($0, at: came.at) }) else { continue }
                    let next = received.dropFirst(number + 1).first?.at ?? .distantFuture
                    let horizon = max(next, came.at.advanced(by: .milliseconds(50)))
                    let answer = life.sent.first { $0.at > came.at && $0.at < horizon }
                    let hasEnded = life.end.map { $0.at.duration(since: came.at) < .milliseconds(50) } ?? false
                    let hadTime = life.watchedUntil.duration(since: came.at) > .milliseconds(20)
                    guard answer != nil || (!hasEnded && hadTime) else { continue }
                    result.append(
                        Reception(
                            place: place, event: came.event, signal: came.signal, wasPassedOn: answer != nil,
                            cameAfterOneThatWasPassedOn: hasPassedOn))
                    if answer != nil { hasPassedOn = true }
                }
            }
        }
        return result
    }

    /// A line of /proc/PID/status that shows a mask which blocks something.
    private static func showsBlockedSignals(_ text: String) -> Bool {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0] == "SigBlk" else { return false }
        return UInt64(parts[1].drop { $0 == " " || $0 == "\t" }, radix: 16).map { $0 != 0 } ?? false
    }

    /// "SIGHUP, SIGINT and 3 more", by their numbers.
    static func names(_ signals: Set<Signal>) -> String {
        let sorted = signals.sorted().map(\.description)
        if sorted.count > 6 { return sorted.prefix(4).joined(separator: ", ") + " and \(sorted.count - 4) more" }
        guard let last = sorted.last, sorted.count > 1 else { return sorted.first ?? "nothing" }
        return sorted.dropLast().joined(separator: ", ") + " and " + last
    }
}

extension Life {
    /// Signals that were queued for programs, and did nothing to them in the time that they went on.
    fileprivate var untakenSignals: [Signalling] {
        signals.filter { signal in
            guard let target = signal.target, target != root, signal.fate == .queued, !signal.isFromKernel,
                signal.signal != .kill, hasExecuted(target), tree.programName(target) != "fake-services"
            else { return false }
            let later = signal.at.advanced(by: .milliseconds(400))
            guard runs(target, at: later), end?.at ?? watchedUntil > later else { return false }
            return !events.contains { event in
                if case .kernel(.delivered(signal.signal, process(target).pid, _)) = event.kind {
                    event.instant > signal.at
                } else {
                    false
                }
            }
        }
    }

    /// As /proc showed right before it was sent.
    fileprivate func ignores(_ signal: Signalling) -> Bool {
        view.disposition(of: process(root).pid, signal.signal, at: signal.at) == .ignored
    }

    /// It came from outside, and its default action is to end a process, which PID 1 was not about to do anyway.
    fileprivate func wouldHaveEndedPID1(_ signal: Signalling) -> Bool {
        let dying = process(root).dyingSince ?? end?.at ?? .distantFuture
        return signal.target == root && signal.sender == nil && !signal.isFromKernel && signal.signal != .kill
            && !ProcessTree.isHarmless(signal.signal) && signal.at < dying
    }

    /// Signals from outside that PID 1 has answered: its handler ran, or it sent something or ended right after.
    fileprivate var heardSignals: [Signal] {
        received.filter { came in
            let soon = came.at.advanced(by: .seconds(1))
            return sent.contains { $0.at > came.at && $0.at < soon }
                || endedItself && end.map { $0.at > came.at && $0.at < soon } == true
                || events.contains { event in
                    if case .kernel(.delivered(came.signal, process(root).pid, hasHandler: true)) = event.kind {
                        event.instant >= came.at
                    } else {
                        false
                    }
                }
        }.map(\.signal)
    }

    /// Two sendings of a signal to the main child for one that came.
    fileprivate var passedOnTwice: [Signalling]? {
        guard let child = mainChild else { return nil }
        let received = received
        for (number, came) in received.enumerated() {
            let next = received.dropFirst(number + 1).first?.at ?? .distantFuture
            let answers = sent(to: child).filter { $0.signal == came.signal && $0.at > came.at && $0.at < next }
            if answers.count > 1 { return Array(answers.prefix(2)) }
        }
        return nil
    }

    /// It looks after several services, and stops them itself: it passes nothing on.
    var handlesStopItself: Bool { services.count > 1 || children.count > 1 }
}
