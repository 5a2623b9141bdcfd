import Model
import Runtimes
import Vocabulary

/// Every sequence of requests and observations up to a length, and whether something comes of one that must not be.
struct LifecycleExploration<Machine: Lifecycle & Hashable> {
    let policy: ContainerPolicy
    let make: (ContainerPolicy) -> Machine

    /// One thing that happens.
    enum Step: Hashable {
        case ask(Request)
        case begin(Request)
        case dropClient
        case end(ExitStatus)
        case comeOfStart(Int32?)
        case wake
        case endHook(code: Int)
        /// Its health check has failed too often.
        case fail
        /// A life that is long enough for Docker's back-off.
        case pass
    }

    /// What is asked for.
    static var requests: [Request] {
        [
            .start, .stop(grace: .seconds(1)), .stop(grace: .seconds(-1)), .kill(.kill), .kill(.hup),
            .restart(grace: .seconds(1)), .prepareStop, .pause, .resume, .replaceDaemon(isKilled: false),
            .replaceDaemon(isKilled: true), .recreate,
        ]
    }

    /// What is begun, also while something else is under way.
    static var background: [Request] { [.start, .stop(grace: .seconds(2)), .restart(grace: .milliseconds(500))] }

    struct Finding: Hashable, CustomStringConvertible {
        let path: [Step]
        let what: String
        var description: String { "\(what), after \(path)" }
    }

    /// - Returns: the first that must not be, and how many states there were.
    func run(upTo length: Int) -> (finding: Finding?, states: Int) {
        var first = VirtualContainer(make(policy))
        first.startSucceeds = nil
        var seen: Set<VirtualContainer<Machine>> = [first]
        var border: [(VirtualContainer<Machine>, path: [Step])] = [(first, [])]
        for _ in 0..<length {
            var next: [(VirtualContainer<Machine>, path: [Step])] = []
            for (container, path) in border {
                for step in steps(container) {
                    var after = container
                    take(step, &after)
                    let path = path + [step]
                    if let what = after.violations.first ?? unanswered(after) ?? unending(step, container, after) {
                        return (Finding(path: path, what: what), seen.count)
                    }
                    if seen.insert(after).inserted { next.append((after, path)) }
                }
            }
            border = next
        }
        return (nil, seen.count)
    }

    private func steps(_ container: VirtualContainer<Machine>) -> [Step] {
        if container.isStarting { return [.comeOfStart(nil), .comeOfStart(2)] }
        var result: [Step] = container.asked == nil ? Self.requests.map(Step.ask) : []
        result += Self.background.map(Step.begin) + [.dropClient]
        if container.hasProcess, !container.isFrozen {
            result += [.end(.exited(0)), .end(.exited(1)), .end(.signaled(.kill, dumpedCore: false))]
        }
        result.append(container.wakeAt == nil ? .pass : .wake)
        if container.hasHook { result += [.endHook(code: 0), .endHook(code: 1)] }
        if container.hasProcess { result.append(.fail) }
        return result
    }

    private func take(_ step: Step, _ container: inout VirtualContainer<Machine>) {
        switch step {
        case .ask(let request): container.ask(request)
        case .begin(let request): container.begin(request)
        case .dropClient: container.dropClient()
        case .end(let status): container.end(status)
        case .comeOfStart(let errno): container.comeOfStart(errno)
        case .wake: container.wake()
        case .endHook(let code): container.endHook(code: code)
        case .fail: container.fail()
        case .pass: container.pass(.seconds(11))
        }
    }

    /// Whether a stop with a limit that was begun does not kill in the end.
    private func unending(
        _ step: Step, _ before: VirtualContainer<Machine>, _ after: VirtualContainer<Machine>
    ) -> String? {
        guard case .begin(.stop) = step, before.asked == nil, before.hasProcess, !before.isFrozen, after.refusal == nil
        else { return nil }
        var lasting = after
        for _ in 0..<8 where lasting.wakeAt != nil || lasting.hasHook {
            if lasting.wakeAt == nil { lasting.endHook() } else { lasting.wake() }
        }
        return lasting.isDying ? nil : "a stop that was begun never kills"
    }

    /// Whether a request is never answered: not when PID 1 ends, nor when it does not and the time passes. A stop without limit waits for
    /// PID 1 alone.
    private func unanswered(_ container: VirtualContainer<Machine>) -> String? {
        guard let asked = container.asked, !container.isStarting else { return nil }
        var ending = container
        for _ in 0..<8 where ending.asked != nil {
            if ending.isStarting {
                ending.comeOfStart(nil)
            } else if ending.hasProcess, !ending.isFrozen {
                ending.end()
            } else {
                ending.wake()
            }
        }
        if ending.asked != nil { return "\(asked) is not answered when PID 1 ends" }
        if case .stop(let grace) = asked, let grace, grace < .zero { return nil }
        var lasting = container
        for _ in 0..<12 where lasting.asked != nil {
            if lasting.isStarting {
                lasting.comeOfStart(nil)
            } else if lasting.wakeAt == nil, lasting.hasHook {
                lasting.endHook()
            } else {
                lasting.wake()
            }
        }
        return lasting.asked == nil ? nil : "\(asked) is not answered when PID 1 does not end"
    }
}
