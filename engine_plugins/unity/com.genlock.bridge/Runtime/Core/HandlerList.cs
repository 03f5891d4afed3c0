using System;

namespace Genlock
{
    /// <summary>The handlers of an event that is raised each frame: going through them makes no garbage.</summary>
    internal sealed class HandlerList<T>
    {
        private Action<T> _joined;

        /// <summary>Each of them, in order. What was got stays as it is when others are added or removed.</summary>
        internal Delegate[] Each { get; private set; } = new Delegate[0];

        internal void Add(Action<T> handler)
        {
            Set(_joined + handler);
        }

        internal void Remove(Action<T> handler)
        {
            Set(_joined - handler);
        }

        private void Set(Action<T> joined)
        {
            _joined = joined;
            Each = joined == null ? new Delegate[0] : joined.GetInvocationList();
        }
    }
}
