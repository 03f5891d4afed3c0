using UnityEngine;

namespace Genlock
{
    /// <summary>Calls what the inspector says when one action comes.</summary>
    [AddComponentMenu("Genlock/Genlock Action Handler")]
    public sealed class GenlockActionHandler : GenlockBehaviour
    {
        [Tooltip("The action's name in the GenlockActions asset.")]
        [SerializeField] private string action = "";

        [SerializeField] private ActionEvent onStarted = new ActionEvent();
        [SerializeField] private ActionEvent onPerformed = new ActionEvent();
        [SerializeField] private ActionEvent onCanceled = new ActionEvent();

        /// <summary>The action's name.</summary>
        public string Action
        {
            get { return action; }
            set { action = value; }
        }

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

        internal override void Attach(GenlockClient of)
        {
            of.ActionReceived += Take;
        }

        internal override void Detach(GenlockClient of)
        {
            of.ActionReceived -= Take;
        }

        private void Take(GenlockAction received)
        {
            if (received.Name != action)
            {
                return;
            }
            switch (received.Phase)
            {
                case ActionPhase.Started:
                    onStarted.Invoke(received);
                    break;
                case ActionPhase.Performed:
                    onPerformed.Invoke(received);
                    break;
                default:
                    onCanceled.Invoke(received);
                    break;
            }
        }
    }
}
