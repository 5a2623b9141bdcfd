import Expectations
import Journal
import Model
import Vocabulary

/// How PID 1 starts services, and takes what they say of themselves.
extension Cause {
    static let ofStarting: [Cause] = [
        doesNotStartAgain, startsAfterAFailedJob, startsBeforeDependencies,
        startsNothingAfterAReadyService, aDaemonLeavesNoPidFile,
    ]

    static let doesNotStartAgain = Cause(
        "does-not-start-again",
        "PID 1 starts once: the next time it fails before it has started anything",
        remedy:
            "look for what the first life has left, a pid file, a lock or a socket: remove it at the start, or put it on a tmpfs"
    ) { observation in
        for (former, life) in zip(observation.lives, observation.lives.dropFirst()) {
            guard let end = life.end, life.endedItself, end.code != 0, life.children.isEmpty,
                end.at.duration(since: life.began) < .seconds(1), !former.children.isEmpty,
                life.stopRequest.map({ $0.at > end.at }) ?? true
            else { continue }
            return [end.event] + life.events.filter(\.isPrinted).prefix(2)
        }
        return nil
    }

    private static let startsAfterAFailedJob = Cause(
        "starts-after-a-failed-job", "PID 1 starts what comes after a job that has failed",
        remedy: "a job that fails is not done: what needs it is not to start"
    ) { life, observation in
        life.startAfterFailedJob(observation)
    }

    private static let startsBeforeDependencies = Cause(
        "starts-before-dependencies", remedy: "wait until a service is ready, then start what comes after it"
    ) {
        observations in
        let early = earlyStarts(observations)
        if early.isEmpty { return nil }
        return Found(
            sentence: "PID 1 starts services before those that they come after are ready", proofs: early)
    }

    private static let startsNothingAfterAReadyService = Cause(
        "starts-nothing-after-a-ready-service",
        "PID 1 does not start what comes after a service that is ready: it was not told, or does not listen",
        remedy: "the service: READY=1 to NOTIFY_SOCKET, or a line to the descriptor that it was given; PID 1: read it"
    ) { life, observation in
        for service in observation.scenario.services where life.service(service.name) == nil {
            let horizon = life.stopRequest?.at ?? life.end?.at ?? life.watchedUntil
            let needed = service.after.compactMap(life.service)
            let ready = needed.compactMap { life.process($0).readyAt }
            guard !needed.isEmpty, ready.count == service.after.count, let last = ready.max(),
                horizon > last, horizon.duration(since: last) > .seconds(1),
                observation.waitsInVain(for: service.name)
            else { continue }
            return needed.compactMap { life.said({ $0 == .ready }, by: $0).first }
        }
        return nil
    }

    private static let aDaemonLeavesNoPidFile = Cause(
        "a-daemon-leaves-no-pid-file",
        "a daemon that is to leave its number in a pid file does not, and PID 1 takes it for ended",
        remedy: "the number into the pid file before the starter exits"
    ) { life, observation in
        for service in observation.scenario.services where service.kind == .forking {
            guard let daemon = life.others.last(where: { life.process($0).name == service.name }),
                let starter = life.process(daemon).creator, starter != life.root,
                let exit = life.process(starter).exitedAt, life.process(starter).endedBy == nil,
                let answer = life.end?.at ?? life.sent.first?.at, answer >= exit,
                life.stopRequest.map({ $0.at > answer }) ?? true, answer.duration(since: exit) < .seconds(1),
                life.waitsForItsEnd(starter),
                !observation.scenario.services.contains(where: {
                    $0.after.contains(service.name) && life.service($0.name) != nil
                })
            else { continue }
            return [life.event(ofEnd: starter), life.end?.event].compactMap(\.self)
        }
        return nil
    }

    private static func earlyStarts(_ observations: [Observation]) -> [Int: [Event]] {
        var proofs: [Int: [Event]] = [:]
        for (place, observation) in observations.enumerated() {
            for life in observation.lives {
                let early = life.earlyStart(observation) { needed, instant in
                    guard let needed else { return true }
                    if life.process(needed).readyAt.map({ $0 > instant }) ?? life.runs(needed, at: instant) {
                        return true
                    }
                    return life.process(needed).exitedAt.map { $0 > instant } == true
                        && life.process(needed).readyAt == nil
                }
                if let early, life.stopRequest.map({ $0.at > early[0].instant }) ?? true { proofs[place] = early }
            }
        }
        return proofs
    }
}

extension Event {
    fileprivate var isPrinted: Bool { if case .printed = kind { true } else { false } }
}

extension Observation {
    /// Something that failed waits for a service.
    fileprivate func waitsInVain(for name: String) -> Bool {
        failedConditions.contains { $0.parties.contains(.service(name)) }
    }
}

extension Life {
    /// Between the start and the end of a child, PID 1 has started nothing else, not even what never said its name.
    fileprivate func waitsForItsEnd(_ child: Int) -> Bool {
        let (began, end) = (process(child).forkedAt, process(child).exitedAt ?? .distantFuture)
        return !children.contains { process($0).forkedAt > began && process($0).forkedAt < end }
    }

    /// A service that was started although one that it comes after was not as it should be then.
    ///
    /// - Parameter isWrong: whether that is so of a service that is needed, at the moment of the fork; nil: it was not
    ///   there yet.
    fileprivate func earlyStart(
        _ observation: Observation, _ isWrong: (_ needed: Int?, MonotonicInstant) -> Bool
    ) -> [Event]? {
        for service in observation.scenario.services {
            for process in others where self.process(process).name == service.name {
                guard let dependent = startedByInit(process, service.kind) else { continue }
                let fork = self.process(dependent).forkedAt
                for name in service.after {
                    let bearers = others.filter { self.process($0).name == name }
                    let needed = bearers.last { self.process($0).forkedAt < fork }
                    // Nobody has borne its name: it has not come so far, unless it is what has ended without a name.
                    if bearers.isEmpty, others.contains(where: { endedNameless($0, before: fork) }) { continue }
                    guard isWrong(needed, fork), let event = event(ofFork: dependent) else { continue }
                    let word = needed.flatMap { said({ $0 == .ready }, by: $0).first }
                    return [event] + (word.map { [$0] } ?? [])
                }
            }
        }
        return nil
    }

    private func endedNameless(_ index: Int, before instant: MonotonicInstant) -> Bool {
        process(index).name == nil && process(index).exitedAt.map { $0 < instant } ?? false
    }

    /// What PID 1 itself forked for a service: its process, or what started it, where it goes into the background.
    private func startedByInit(_ service: Int, _ kind: Service.Kind) -> Int? {
        guard let creator = process(service).creator else { return nil }
        if creator == root { return service }
        return kind == .forking && process(creator).creator == root ? creator : nil
    }

    /// A service that was started although a job that it comes after had failed.
    func startAfterFailedJob(_ observation: Observation) -> [Event]? {
        earlyStart(observation) { needed, instant in
            guard let needed,
                observation.scenario.services.first(where: { $0.name == process(needed).name })?.kind == .oneshot,
                let exit = process(needed).exitedAt, exit <= instant, let code = statusCode(of: needed)
            else { return false }
            return code != 0
        }
    }
}
