using System;
using UnityEngine;
using UnityEngine.Events;

namespace Genlock
{
    /// <summary>An action for the inspector.</summary>
    [Serializable]
    public sealed class ActionEvent : UnityEvent<GenlockAction>
    {
    }

    /// <summary>An event for each phase of an action, for the inspector.</summary>
    [Serializable]
    public sealed class PhaseEvents
    {
        [Tooltip("It waits for more.")]
        [SerializeField] private ActionEvent onStarted = new ActionEvent();

        [Tooltip("It is to be done.")]
        [SerializeField] private ActionEvent onPerformed = new ActionEvent();

        [Tooltip("It ends without being done.")]
        [SerializeField] private ActionEvent onCanceled = new ActionEvent();

        /// <summary>It waits for more.</summary>
        public ActionEvent OnStarted
        {
            get { return onStarted; }
        }

        /// <summary>It is to be done.</summary>
        public ActionEvent OnPerformed
        {
            get { return onPerformed; }
        }

        /// <summary>It ends without being done.</summary>
        public ActionEvent OnCanceled
        {
            get { return onCanceled; }
        }

        internal void Raise(GenlockAction action)
        {
            switch (action.Phase)
            {
                case ActionPhase.Started:
                    onStarted.Invoke(action);
                    break;
                case ActionPhase.Performed:
                    onPerformed.Invoke(action);
                    break;
                default:
                    onCanceled.Invoke(action);
                    break;
            }
        }
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
