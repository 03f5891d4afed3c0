using System;
using UnityEngine.Events;

namespace Genlock
{
    /// <summary>An action for the inspector.</summary>
    [Serializable]
    public sealed class ActionEvent : UnityEvent<GenlockAction>
    {
    }

    /// <summary>Words for the inspector.</summary>
    [Serializable]
    public sealed class TextEvent : UnityEvent<string>
    {
    }

    /// <summary>A target for the inspector.</summary>
    [Serializable]
    public sealed class TargetEvent : UnityEvent<GenlockTarget>
    {
    }
}
