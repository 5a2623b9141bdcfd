import Expectations
import Journal
import Model
import Vocabulary

/// How PID 1 stops what it has started.
extension Cause {
    static let ofStopping: [Cause] = [
        killsAtOnce, waitsForNobody, startsServicesAgainWhileStopping, startsServicesWhileStopping, escalatesTooEarly,
        stopsInStartOrder, stopsAllAtOnce, neverEscalates, lingersAfterTheLastProcess, leavesOthersBehind,
    ]

    private static let killsAtOnce = Cause(
        "kills-at-once", "PID 1 kills its child with SIGKILL in place of asking it to stop",
        remedy: "the stop signal first; SIGKILL only when that has not helped within a time of its own"
    ) { life, _ in
        for came in life.received where life.stopSignals.contains(came.signal) {
            guard let first = life.sent.first(where: { $0.at > came.at }), first.signal == .kill,
                let target = first.target,
                first.at.duration(since: came.at) < .milliseconds(300),
                !life.sent(to: target).contains(where: { $0.signal == came.signal })
            else { continue }
            return [came.event, first.event]
        }
        return nil
    }

    private static let waitsForNobody = Cause(
        "waits-for-nobody",
        "PID 1 passes the stop signal on and ends at once: what it has told is killed with it, and nobody learns its status",
        remedy: "wait for the children to end before PID 1 does"
    ) { life, _ in
        guard let end = life.end, life.endedItself, let request = life.stopRequest else { return nil }
        let told = life.sent.filter { sent in
            sent.at > request.at && sent.signal != .kill && end.at.duration(since: sent.at) < .milliseconds(300)
                && sent.target.map { life.process($0).creator == life.root } == true
        }
        guard let last = told.last, !life.waits.contains(where: { $0.at > last.at && $0.at < end.at }),
            // A wait that has not returned may be that of another thread.
            !life.waits.contains(where: { $0.at < last.at && !$0.hasReturned })
                || told.contains(where: { $0.target.map { life.runs($0, at: end.at) } == true })
        else { return nil }
        return told.prefix(3).map(\.event) + [end.event]
    }

    private static let startsServicesAgainWhileStopping = Cause(
        "starts-services-again-while-stopping", "PID 1 starts a service again that it has just stopped",
        remedy: "no restarts once a stop has begun"
    ) { life, _ in
        life.forksWhileStopping { name, fork in
            life.others.contains { other in
                life.process(other).name == name && life.process(other).exitedAt.map { $0 <= fork } == true
            }
        }
    }

    private static let startsServicesWhileStopping = Cause(
        "starts-services-while-stopping", remedy: "start nothing more once a stop has begun"
    ) { observations in
        var proofs: [Int: [Event]] = [:]
        var wasAsked = false
        for (place, observation) in observations.enumerated() {
            for life in observation.lives {
                let late = life.forksWhileStopping { name, fork in
                    !life.others.contains { life.process($0).name == name && life.process($0).forkedAt < fork }
                }
                if let late {
                    wasAsked = true
                    proofs[place] = late
                } else if let late = life.startAfterFailedJob(observation) {
                    // An init may take that for a stop.
                    proofs[place] = late
                }
            }
        }
        return wasAsked
            ? Found(sentence: "PID 1 goes on starting services when it is to stop", proofs: proofs) : nil
    }

    private static let escalatesTooEarly = Cause(
        "escalates-too-early", "PID 1 kills a service some milliseconds after it has asked it to stop",
        remedy: "a limit of its own that is shorter than the grace period, and longer than services take"
    ) { life, _ in
        for kill in life.sent where kill.signal == .kill {
            guard let target = kill.target, life.runs(target, at: kill.at),
                let asked = life.sent(to: target).last(where: { $0.signal != .kill && $0.at < kill.at }),
                kill.at.duration(since: asked.at) < .milliseconds(700),
                !life.received.contains(where: { $0.at > asked.at && $0.at < kill.at })
            else { continue }
            return [asked.event, kill.event]
        }
        return nil
    }

    private static let stopsInStartOrder = Cause(
        "stops-in-start-order", "PID 1 stops services in the order of their start: what others need goes first",
        remedy: "the reverse of the order of start"
    ) { life, observation in
        life.wrongOrder(observation)
    }

    private static let stopsAllAtOnce = Cause(
        "stops-all-at-once", "PID 1 asks all services to stop at once, those too that others still need",
        remedy: "ask a service to stop when those that come after it have ended"
    ) { life, observation in
        for dependent in life.services {
            for name in observation.dependencies(of: life.process(dependent).name ?? "") {
                guard let needed = life.service(name), let asked = life.firstAsked(needed),
                    let other = life.firstAsked(dependent), life.runs(dependent, at: asked.at),
                    other.at.duration(since: asked.at).magnitude < .milliseconds(50)
                else { continue }
                return [asked.event, other.event]
            }
        }
        return nil
    }

    private static let neverEscalates = Cause(
        "never-escalates",
        "PID 1 does not kill a service that does not stop within the grace period: the runtime kills everything",
        remedy: "SIGKILL after a limit of its own that is shorter than the grace period"
    ) { life, _ in
        // One that has a single child leaves that to the runtime.
        guard life.handlesStopItself, let over = life.graceExpired, let request = life.stopRequest else { return nil }
        let deaf = life.services.filter { service in
            life.runs(service, at: over.instant)
                && life.sent(to: service).contains { $0.at > request.at && $0.at < over.instant }
        }
        guard let first = deaf.first, let asked = life.firstAsked(first),
            !life.sent.contains(where: { $0.signal == .kill }),
            over.instant.duration(since: asked.at) > .milliseconds(500)
        else { return nil }
        return [asked.event, over]
    }

    private static let lingersAfterTheLastProcess = Cause(
        "lingers-after-the-last-process", "PID 1 goes on for a second or more after the last other process has ended",
        remedy: "end when wait says that there are no children left (ECHILD)"
    ) { life, _ in
        // What goes on though nobody has asked it to end may be there for more.
        guard life.stopRequest != nil, let last = life.others.max(by: { life.lastMoment($0) < life.lastMoment($1) }),
            life.hasExecuted(last),
            life.others.allSatisfy({ life.process($0).exitedAt != nil }),
            life.zombies(atLeast: .milliseconds(400)).isEmpty
        else { return nil }
        let end = life.end?.at ?? life.watchedUntil
        let alone = end.duration(since: life.lastMoment(last))
        guard alone >= .seconds(1) || life.graceExpired != nil && alone >= .milliseconds(200),
            !life.childSignals.isEmpty
        else { return nil }
        return [life.event(ofEnd: last), life.event(ofEnd: life.root)].compactMap(\.self)
    }

    private static let leavesOthersBehind = Cause(
        "leaves-others-behind", "PID 1 ends with its child while other processes still run: the kernel kills them",
        remedy: "ask what is left to stop, and wait for it, before PID 1 ends"
    ) { life, _ in
        guard let end = life.end, life.endedItself else { return nil }
        let victims = life.killedByEnd.filter { killed in
            killed.target.map { target in
                !life.process(target).isInjected && life.sent(to: target).isEmpty
            } ?? false
        }
        guard !victims.isEmpty, let child = life.mainChild, !life.runs(child, at: end.at) else { return nil }
        return [life.event(ofEnd: child), end.event].compactMap(\.self) + victims.prefix(3).map(\.event)
    }
}

extension Life {
    fileprivate func runs(at instant: MonotonicInstant) -> (Int) -> Bool { { self.runs($0, at: instant) } }

    /// When it ended, or was last seen.
    fileprivate func lastMoment(_ index: Int) -> MonotonicInstant { process(index).exitedAt ?? watchedUntil }

    /// The first signal that PID 1 sent it once a stop had begun.
    fileprivate func firstAsked(_ index: Int) -> Signalling? {
        guard let request = stopRequest else { return nil }
        return sent(to: index).first { $0.at > request.at }
    }

    /// Services that PID 1 has forked once a stop had begun, of which something is so.
    fileprivate func forksWhileStopping(_ isSo: (_ name: String, _ fork: MonotonicInstant) -> Bool) -> [Event]? {
        guard let request = stopRequest else { return nil }
        let late = children.filter { index in
            guard let name = process(index).name, process(index).forkedAt > request.at else { return false }
            return isSo(name, process(index).forkedAt)
        }
        return late.isEmpty ? nil : [request.event] + late.prefix(3).compactMap(event(ofFork:))
    }

    /// Something was asked to stop, and had ended, before what needs it was asked.
    fileprivate func wrongOrder(_ observation: Observation) -> [Event]? {
        for dependent in services {
            for name in observation.dependencies(of: process(dependent).name ?? "") {
                guard let needed = service(name), let asked = firstAsked(needed), runs(dependent, at: asked.at) else {
                    continue
                }
                guard let other = firstAsked(dependent) else {
                    // It never came to that: the first took all the time.
                    if let over = graceExpired, runs(needed, at: over.instant) { return [asked.event, over] }
                    continue
                }
                if let end = process(needed).exitedAt, end <= other.at { return [asked.event, other.event] }
            }
        }
        return nil
    }
}

extension Duration {
    fileprivate var magnitude: Duration { self < .zero ? .zero - self : self }
}
