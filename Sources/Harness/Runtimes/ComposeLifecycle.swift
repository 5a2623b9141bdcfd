import Model
import Vocabulary

/// One container of a service as Docker Compose drives it, by way of Docker's engine.
///
/// The rules are those of compose 5 (pkg/compose: stop.go, down.go, restart.go, convert.go): read, not tried. What the engine does with a container is
/// `DockerLifecycle`'s; Compose rounds the grace period, runs pre_stop hooks, and stops a container before it makes a new one.
public struct ComposeLifecycle: Lifecycle, Hashable {
    private let policy: ContainerPolicy
    private var engine: DockerLifecycle<DockerRestart>
    /// What the engine is told when the hook has ended.
    private var afterHook: [LifecycleInput] = []
    /// The post_start hook of a start by hand, and whether its caller waits.
    private var startHook: StartHook?
    /// A new container is made once the old one has been stopped.
    private var isRecreating = false

    private enum StartHook: Hashable {
        /// The engine has not started it yet.
        case due(isAwaited: Bool)
        case running(isAwaited: Bool)
    }

    public var state: ContainerState { engine.state }

    /// The first version whose `restart` runs hooks (docker/compose#13318).
    static let firstVersionWithHooksInRestart = 5

    /// A container that was made, and not started.
    public init(_ policy: ContainerPolicy) {
        var ofEngine = policy
        ofEngine.grace = policy.grace.map(ComposeLifecycle.wholeSeconds)
        ofEngine.preStop = nil
        self.policy = policy
        engine = DockerLifecycle(ofEngine)
    }

    /// The engine takes whole seconds; what is left is cut off, so that 500 ms are none (pkg/utils/durationutils.go).
    static func wholeSeconds(_ time: Duration) -> Duration { .seconds(time.components.seconds) }

    private static func wholeSeconds(_ time: Duration?) -> Duration? { time.map(wholeSeconds) }

    public mutating func handle(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand] {
        switch (startHook, input) {
        case (.running(let isAwaited), .hookEnded(let code)):
            startHook = nil
            return isAwaited ? [answer(ofStartHook: code)] : []
        case (.running(let isAwaited), .ended):
            // The hook has ended with it.
            startHook = nil
            return handleBesidesStart(input, at: now) + (isAwaited ? [answer(ofStartHook: 137)] : [])
        // A pre_stop hook takes its place; without one it runs until the container ends.
        case (.running(let isAwaited), .asked(.stop)) where policy.preStop != nil,
            (.running(let isAwaited), .asked(.restart)) where policy.preStop != nil,
            (.running(let isAwaited), .begun(.stop)) where policy.preStop != nil,
            (.running(let isAwaited), .begun(.restart)) where policy.preStop != nil:
            startHook = nil
            // A request that was asked for takes the place of the start; beside one that was begun the start is answered.
            let isReplaced = if case .asked = input { true } else { false }
            return [.cancelHook] + (isAwaited && !isReplaced ? [.done] : []) + handle(input, at: now)
        default: break
        }
        let commands = handleBesidesStart(input, at: now)
        if commands.contains(.remove) { startHook = nil }
        guard let hook = policy.postStart, case .due(let isAwaited)? = startHook, input == .started else {
            return commands
        }
        startHook = .running(isAwaited: isAwaited)
        return (isAwaited ? commands.filter { $0 != .done } : commands) + [.runHook(hook)]
    }

    /// Hands a request on to the engine. A start by hand runs the hook, also that of a restart (start.go: startService); one by the engine's
    /// policy does not.
    private mutating func ask(_ request: LifecycleInput, _ now: MonotonicInstant) -> [LifecycleCommand] {
        switch request {
        case .asked(.start) where !state.isRunning && state != .restarting: startHook = .due(isAwaited: true)
        case .begun(.start) where !state.isRunning && state != .restarting: startHook = .due(isAwaited: false)
        case .asked(.restart) where runsHooksInRestart: startHook = .due(isAwaited: true)
        case .begun(.restart) where runsHooksInRestart: startHook = .due(isAwaited: false)
        case .asked(.recreate), .asked(.replaceDaemon): startHook = nil
        default: break
        }
        if policy.postStart == nil { startHook = nil }
        return engine.handle(request, at: now)
    }

    /// It runs on when its hook has failed; the caller is told.
    private func answer(ofStartHook code: Int) -> LifecycleCommand {
        code == 0 ? .done : .refuse("the post_start hook ended with \(code)")
    }

    private var runsHooksInRestart: Bool {
        policy.engineVersion ?? 5 >= ComposeLifecycle.firstVersionWithHooksInRestart
    }

    private mutating func handleBesidesStart(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand] {
        switch input {
        case .asked(.stop(let grace)): return withHook(.asked(.stop(grace: ComposeLifecycle.wholeSeconds(grace))), now)
        case .begun(.stop(let grace)): return withHook(.begun(.stop(grace: ComposeLifecycle.wholeSeconds(grace))), now)
        case .asked(.restart(let grace)):
            return restarted(.asked(.restart(grace: ComposeLifecycle.wholeSeconds(grace))), now)
        case .begun(.restart(let grace)):
            return restarted(.begun(.restart(grace: ComposeLifecycle.wholeSeconds(grace))), now)
        case .asked(.recreate) where state.isRunning:
            // `up` stops the old one, without its hook, and makes a new one (convergence.go: recreateContainer).
            isRecreating = true
            return recreating(engine.handle(.asked(.stop(grace: nil)), at: now), now)
        case .hookEnded(let code):
            defer { afterHook = [] }
            // A hook that fails ends the stop (down.go: stopContainer).
            return afterHook.flatMap { code == 0 ? ask($0, now) : refusal(of: $0, code) }
        case .ended where !afterHook.isEmpty:
            // The hook has ended with it, by SIGKILL.
            let answer = afterHook.flatMap { refusal(of: $0, 137) }
            afterHook = []
            return recreating(engine.handle(input, at: now), now) + answer
        // What it has not asked the engine for yet, it will not.
        case .clientGone:
            afterHook.removeAll { if case .begun = $0 { true } else { false } }
            if startHook == .due(isAwaited: false) { startHook = nil }
            return []
        case .startFailed:
            startHook = nil
            return recreating(engine.handle(input, at: now), now)
        default: return recreating(ask(input, now), now)
        }
    }

    private mutating func restarted(_ restart: LifecycleInput, _ now: MonotonicInstant) -> [LifecycleCommand] {
        runsHooksInRestart && state == .running ? withHook(restart, now) : ask(restart, now)
    }

    /// The caller of a request that was begun has gone on: it gets no answer.
    private func refusal(of input: LifecycleInput, _ code: Int) -> [LifecycleCommand] {
        if case .begun = input { [] } else { [.refuse("the pre_stop hook ended with \(code)")] }
    }

    /// A hook has a time of its own, before the grace period. In what is paused or restarting none can be run, and then Compose does not stop
    /// it, and says that it has (down.go: NotFound, Conflict).
    private mutating func withHook(_ stop: LifecycleInput, _ now: MonotonicInstant) -> [LifecycleCommand] {
        guard let hook = policy.preStop else { return ask(stop, now) }
        guard state == .running else {
            if case .begun = stop { return [] }
            return [.done]
        }
        // A hook that runs for another stop is the hook of this one too.
        defer { afterHook.append(stop) }
        return afterHook.isEmpty ? [.runHook(hook)] : []
    }

    /// The old container is stopped: the answer to that is the beginning of the new one.
    private mutating func recreating(_ commands: [LifecycleCommand], _ now: MonotonicInstant) -> [LifecycleCommand] {
        guard isRecreating, commands.contains(.done) else { return commands }
        isRecreating = false
        return commands.filter { $0 != .done } + engine.handle(.asked(.recreate), at: now)
    }
}
