import Model
import Vocabulary

/// The containers of a pod as the kubelet drives them.
///
/// The rules are those of kubernetes (pkg/kubelet/kuberuntime: kuberuntime_manager.go, kuberuntime_termination_order.go): read, not tried. Init containers are
/// started one after the other, each when the one before has ended with 0; a sidecar among them when it runs, and is healthy where that is found out. Then all main
/// containers are, one after the other, each when the postStart hook of the one before has ended. When the pod is deleted the main ones are
/// stopped at the same time, and the sidecars after them, the last first, all within one
/// grace period; a sidecar that has waited has the rest of it, and two seconds at least.
public struct Pod: Ensemble, Hashable {
    private let policy: EnsemblePolicy
    private var states: [MemberState]
    private var phase = Phase.absent
    /// What the request that is not answered yet is to become.
    private var pending: Pending?
    /// Those that have been asked for something, and have not answered.
    private var asked: Set<Int> = []
    /// Those of them that were asked to start: they may be asked to stop all the same.
    private var starting: Set<Int> = []
    /// Those that have been started in this life of the pod.
    private var started: Set<Int> = []
    /// Those that have been told to stop in it.
    private var stopped: Set<Int> = []
    /// Those that know that they will be.
    private var prepared: Set<Int> = []

    private enum Phase: Hashable {
        case absent
        case running
        /// Since then, in so much time.
        case ending(since: MonotonicInstant, grace: Duration)
        /// Its containers are taken away.
        case removing
    }

    private enum Pending: Hashable {
        case stop, restart, down
    }

    /// A pod that is not there yet.
    public init(_ policy: EnsemblePolicy) {
        self.policy = policy
        states = policy.members.map { _ in .created }
    }

    /// Which policy a container has, by that of its pod: a sidecar is always started again, an init container when it has failed.
    public static func restartPolicy(of role: Member.Role, in pod: RestartPolicy) -> RestartPolicy {
        switch (role, pod) {
        case (.main, _): pod
        case (.sidecar, _): .always
        case (.initial, .no): .no
        case (.initial, _): .onFailure(limit: nil)
        }
    }

    public mutating func handle(_ input: EnsembleInput, at now: MonotonicInstant) -> [EnsembleCommand] {
        switch input {
        case .asked(.start):
            guard phase == .absent else { return [.done] }
            begin()
            // The pod is accepted; what becomes of it takes its time.
            return [.done] + goOn(now)
        case .asked(.stop(let grace)): return delete(grace, .stop, now)
        case .asked(.restart(let grace)): return delete(grace, .restart, now)
        case .asked(.down): return delete(nil, .down, now)
        case .answered(let place, _):
            asked.remove(place)
            starting.remove(place)
            return goOn(now)
        case .became(let place, let state):
            states[place] = state
            return goOn(now)
        }
    }

    private mutating func begin() {
        phase = .running
        (started, stopped, prepared) = ([], [], [])
    }

    private mutating func delete(
        _ grace: Duration?, _ pending: Pending, _ now: MonotonicInstant
    ) -> [EnsembleCommand] {
        if let grace, grace < .zero { return [.refuse("kubernetes takes no negative grace period")] }
        self.pending = pending
        let whole = grace ?? policy.grace ?? KubernetesLifecycle.usualGrace
        phase = .ending(since: now, grace: max(whole, .seconds(1)))
        return goOn(now)
    }

    // MARK: - Going on

    private mutating func goOn(_ now: MonotonicInstant) -> [EnsembleCommand] {
        switch phase {
        case .absent: return []
        case .running:
            let commands = startNext()
            guard commands.isEmpty, isOver, !started.isEmpty else { return commands }
            // The main containers have done what they were for, or will not be: the sidecars go.
            return stopSidecars(policy.grace ?? KubernetesLifecycle.usualGrace)
        case .ending(let since, let grace):
            let rest = grace - .seconds(now.duration(since: since).components.seconds)
            var commands: [EnsembleCommand] = []
            for place in mains + initials where !stopped.contains(place) && isFree(place) {
                stopped.insert(place)
                commands += ask(place, .stop(grace: grace))
            }
            // A sidecar's hook does not wait for its turn, its signal does.
            for place in sidecars where !prepared.contains(place) && !stopped.contains(place) && isFree(place) {
                prepared.insert(place)
                commands += ask(place, .prepareStop)
            }
            if (mains + initials).allSatisfy(isGone) {
                commands += stopSidecars(max(rest, KubernetesLifecycle.leastGrace))
            }
            guard commands.isEmpty, asked.isEmpty, policy.members.indices.allSatisfy(isGone) else { return commands }
            guard pending != .stop else { return finish() }
            phase = .removing
            return policy.members.indices.flatMap { ask($0, .recreate) }
        case .removing: return asked.isEmpty ? finish() : []
        }
    }

    private mutating func finish() -> [EnsembleCommand] {
        phase = .absent
        guard pending == .restart else { return [.done] }
        // A controller makes a new pod in its place.
        begin()
        return [.done] + startNext()
    }

    /// Asks for the next in the order of the start.
    private mutating func startNext() -> [EnsembleCommand] {
        for place in policy.members.indices where policy.members[place].role != .main {
            guard started.contains(place) else { return start(place) }
            // Its hook still runs.
            if starting.contains(place) { return [] }
            let isThrough =
                policy.members[place].role == .initial
                ? states[place] == .ended(code: 0)
                : policy.members[place].hasHealthCheck
                    ? states[place] == .healthy : !states[place].isOver
            // A sidecar that ends later holds up nothing any more.
            guard isThrough || mains.contains(where: started.contains) else { return [] }
        }
        // One after the other, each when the one before has been started, and its hook has ended.
        guard starting.isEmpty, let next = mains.first(where: { !started.contains($0) }) else { return [] }
        return start(next)
    }

    private mutating func start(_ place: Int) -> [EnsembleCommand] {
        started.insert(place)
        starting.insert(place)
        return ask(place, .start)
    }

    /// Nothing has been asked of it that must be answered first.
    private func isFree(_ place: Int) -> Bool { !asked.contains(place) || starting.contains(place) }

    private mutating func stopSidecars(_ grace: Duration) -> [EnsembleCommand] {
        for place in sidecars.reversed() {
            if !stopped.contains(place) {
                guard isFree(place) else { return [] }
                stopped.insert(place)
                return ask(place, .stop(grace: grace))
            }
            // One after the other.
            if !isGone(place) { return [] }
        }
        return []
    }

    private mutating func ask(_ place: Int, _ request: Request) -> [EnsembleCommand] {
        asked.insert(place)
        if request != .start { starting.remove(place) }
        return [.ask(place, request)]
    }

    // MARK: - Who is who

    private func places(of role: Member.Role) -> [Int] {
        policy.members.indices.filter { policy.members[$0].role == role }
    }
    private var mains: [Int] { places(of: .main) }
    private var initials: [Int] { places(of: .initial) }
    private var sidecars: [Int] { places(of: .sidecar) }

    /// Every main container has ended for good, or none will be started, because what must come before has failed for good.
    private var isOver: Bool {
        let areMainsOver = mains.allSatisfy { started.contains($0) && !asked.contains($0) && hasEnded($0) }
        return areMainsOver
            || initials.contains { hasEnded($0) && states[$0] != .ended(code: 0) && !asked.contains($0) }
    }

    private func hasEnded(_ place: Int) -> Bool {
        switch states[place] {
        case .ended, .failedToStart: true
        case .created, .running, .healthy, .unhealthy, .restarting: false
        }
    }

    /// It has been told, and there is nothing left of it that runs.
    private func isGone(_ place: Int) -> Bool {
        stopped.contains(place) && !asked.contains(place) && states[place].isOver
    }
}
